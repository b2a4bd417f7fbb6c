"""Completion for the shells that click does not know: elvish, nushell and PowerShell.

Their scripts hand the words of the line, the one under the cursor last, to `plctl` in the environment, and get a line
for each candidate: its type (`plain`, `file`, `dir`), the word and its help, between tabs; an empty line if there is
none. Files are completed by the shell itself.
"""

from __future__ import annotations

import os

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

#: The words of the line, one a line; an argument with a newline in it cannot be completed behind.
_WORDS = "PLCTL_COMPLETE_WORDS"


class _Lines(ShellComplete):
    """What the three have in common."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor's without the program's, and the cursor's."""
        words = os.environ.get(_WORDS, "").split("\n")
        return words[1:-1], words[-1] if len(words) > 1 else ""

    def format_completion(self, item: CompletionItem) -> str:
        """A candidate as the scripts below read it."""
        described = " ".join((item.help or "").split())
        return f"{item.type}\t{item.value}\t{described}"


class Elvish(_Lines):
    """https://elv.sh/ref/edit.html#completion-api"""

    name = "elvish"
    source_template = (
        """\
use str
set edit:completion:arg-completer[%(prog_name)s] = {|@words|
    var found = [(e:env %(complete_var)s=elvish_complete """
        + _WORDS
        + """=(str:join "\\n" $words) %(prog_name)s | from-lines)]
    for line [(each {|line| if (!=s $line "") { put $line } } $found)] {
        var type value help = (str:split "\\t" $line)
        if (has-value [file dir] $type) {
            edit:complete-filename $@words
        } else {
            edit:complex-candidate $value &display=(str:trim-space $value'  '$help)
        }
    }
}
"""
    )


class Nushell(_Lines):
    """https://www.nushell.sh/cookbook/external_completers.html"""

    name = "nushell"
    source_template = (
        """\
let %(prog_name)s_others = $env.config?.completions?.external?.completer?
$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans|
    if ($spans | first) == "%(prog_name)s" {
        let found = with-env {%(complete_var)s: "nushell_complete", """
        + _WORDS
        + """: ($spans | str join "\\n")} {
            ^%(prog_name)s | lines | where $it != "" | split column "\\t" type value description
        }
        if ($found | any {|each| $each.type in [file dir]}) { null } else { $found | select value description }
    } else if $%(prog_name)s_others != null {
        do $%(prog_name)s_others $spans
    }
}
"""
    )


class PowerShell(_Lines):
    """https://learn.microsoft.com/powershell/module/microsoft.powershell.core/register-argumentcompleter"""

    name = "powershell"
    source_template = (
        """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($word, $line, $cursor)
    $before = $line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { "$_" }
    }
    $env:%(complete_var)s = 'powershell_complete'
    $env:"""
        + _WORDS
        + """ = @(@($before) + $word) -join "`n"
    try {
        & %(prog_name)s | Where-Object { $_ } | ForEach-Object {
            $type, $value, $help = $_ -split "`t", 3
            if ($type -in 'file', 'dir') {
                [System.Management.Automation.CompletionCompleters]::CompleteFilename($word)
            } else {
                $shown = if ($help) { $help } else { $value }
                [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $shown)
            }
        }
    } finally {
        Remove-Item 'Env:%(complete_var)s', 'Env:"""
        + _WORDS
        + """'
    }
}
"""
    )


def teach_click() -> None:
    """Let click know these shells, so that they are answered."""
    for shell in (Elvish, Nushell, PowerShell):
        add_completion_class(shell)
