"""`plctl completion`: prints the script that teaches a shell to complete plctl's commands, options and file names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from plctl.common.cli.completion_shells import teach_click
from plctl.common.cli.terminal import echo_drawn

#: The variable through which the printed script asks `plctl` for candidates; click derives it from the program's name.
_VARIABLE = "_PLCTL_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "elvish", "nushell", "powershell"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: commands, options, files, and the runs, links and hosts there are.

    \b
    bash:        eval "$(plctl completion bash)"                  in ~/.bashrc
    zsh:         eval "$(plctl completion zsh)"                   in ~/.zshrc
    fish:        plctl completion fish > ~/.config/fish/completions/plctl.fish
    elvish:      eval (plctl completion elvish | slurp)           in ~/.config/elvish/rc.elv
    nushell:     plctl completion nushell | save -f ($nu.data-dir | path join vendor/autoload/plctl.nu)
    powershell:  plctl completion powershell | Out-String | Invoke-Expression     in $PROFILE
    """
    teach_click()
    make_script = get_completion_class(shell)
    assert make_script is not None, f"click knows no completion for {shell}"
    echo_drawn(make_script(ctx.find_root().command, {}, "plctl", _VARIABLE).source())
