"""What runs on the nodes of a Slurm allocation: shell texts for POSIX sh, as nothing of plctl is there yet.

All of them work in one folder of the node, which the job makes first, for its user alone, and removes last.
"""

from __future__ import annotations

import shlex

#: `$SLURM_JOB_ID` is the same in every step of an allocation.
_FOLDER = 'folder="/tmp/plctl-job$SLURM_JOB_ID"\n'
_AS_ROOT = 'if [ "$(id -u)" -eq 0 ]; then root=; else root="sudo -n"; fi\n'
#: A folder that somebody else made beforehand would let them choose what root executes.
_OWN = (
    'if [ ! -O "$folder" ] || [ -L "$folder" ]; then\n'
    '    echo "$SLURMD_NODENAME: $folder is not the job\'s own" >&2; exit 1\n'
    "fi\n"
)

#: Takes the state folder away, unless somebody uses it.
_FORGET = "import pathlib as p, plctl.deploy.on_host.places as o; o.forget_state(p.Path('/run/plctl'))"

#: Waits for the job's folder (10 s), then prints the node's Python and architecture, for which a bundle must be.
INSPECT = (
    f"{_FOLDER}"
    "left=100\n"
    'until [ -e "$folder" ] || [ "$left" -eq 0 ]; do left=$((left - 1)); sleep 0.1; done\n'
    f"{_OWN}"
    "exec python3 -I -c 'import platform, sys; print(\"%d.%d\" % sys.version_info[:2], platform.machine())'\n"
)


def send(job: str) -> str:
    """What the login node does with a bundle on its standard input: carry it to all nodes of a job."""
    return (
        'umask 077 && bundle=$(mktemp) && trap \'rm "$bundle"\' EXIT && cat > "$bundle" && '
        f'sbcast --jobid={job} "$bundle" /tmp/plctl-job{job}/bundle.tar.gz'
    )


def batch(controller: str) -> str:
    """The job: on each node it waits until plctl and a key are there, keeps an agent alive, and takes all of it away.

    At the end of the allocation Slurm sends SIGTERM to every process of it, then SIGKILL after KillWait seconds (30
    unless the cluster says otherwise). What SIGKILL leaves in the folder stays there.
    """
    agent = f'$root "$folder/bin/plctl" agent --controller {shlex.quote(controller)} --keys "$folder/keys"'
    step = (
        f"{_FOLDER}{_AS_ROOT}"
        'mkdir -m 700 "$folder" || exit 1\n'
        "over=\n"
        "trap 'over=1' TERM\n"
        'until [ "$over" ]; do\n'
        f'    if [ -e "$folder/go" ]; then {agent} >> "$folder/agent.log" 2>&1 & wait "$!"; fi\n'
        '    sleep 1 & wait "$!"\n'
        "done\n"
        "wait\n"
        f'$root "$folder/bin/python" -I -c "{_FORGET}"\n'
        '$root rm -rf "$folder"\n'
    )
    return f"#!/bin/sh\nexec srun --kill-on-bad-exit=0 sh -c {shlex.quote(step)}\n"


def install(controller_public: str) -> str:
    """Install plctl from the bundle and make the agent's key; prints the agent's name and public key.

    The secret key is made on the node and never leaves it: Slurm would carry it in the clear.
    """
    return (
        f"set -eu\numask 077\n{_FOLDER}{_OWN}"
        'cd "$folder"\n'
        "python3 -I -m venv --without-pip . > venv.log 2>&1 || { cat venv.log >&2; exit 1; }\n"
        "tar -xzf bundle.tar.gz -C lib/python3.*/site-packages\n"
        "rm bundle.tar.gz venv.log\n"
        'printf "#!%s/bin/python -I\\n" "$folder" > bin/plctl\n'
        'printf "from plctl.common.cli.start import main\\nmain()\\n" >> bin/plctl\n'
        "chmod 700 bin/plctl\n"
        'exec bin/python -I -m plctl.deploy.slurm.node_key "$SLURMD_NODENAME.job$SLURM_JOB_ID" keys '
        f"{shlex.quote(controller_public)}\n"
    )


#: Let the agent start.
GO = f'{_FOLDER}{_OWN}touch "$folder/go"\n'

#: Succeeds once the node's agent serves its controller, and fails with the agent's last words if it ended.
LOOK = (
    f"{_FOLDER}{_OWN}{_AS_ROOT}"
    '$root "$folder/bin/plctl" agent status > "$folder/status.log" 2>&1 && exit 0\n'
    'echo "$SLURMD_NODENAME: $(tail -n 3 "$folder/agent.log" 2>&1)" >&2\n'
    "exit 1\n"
)
