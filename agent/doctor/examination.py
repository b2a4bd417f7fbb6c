"""Can this machine run links, and how well? Runs every check and gathers what they found.

Nothing on the host is changed: what has to be tried is tried in namespaces of a child process (`kernel_trial`).
"""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Callable, Sequence

from plctl.agent.doctor.finding import Finding, Level
from plctl.agent.doctor.kernel_trial import TrialStep, trial_command, try_kernel
from plctl.agent.ownership.ledger import read_entries
from plctl.common.base.errors import UserError, WorldError
from plctl.common.host.facts import HostFacts, parse_release
from plctl.common.host.privilege import missing_capabilities, sudo_command
from plctl.common.host.state import LEDGER_NAME, is_held, owner_folders

OLDEST_KERNEL = (5, 11)  #: the first with epoll_pwait2(2), whose time-outs count nanoseconds

#: Steps of the kernel trial that plctl can do without, and what is lost.
_OPTIONAL = {
    "time namespace": "not needed by links: only clocks of one machine cannot be set apart in tests",
    "AF_XDP": "not needed: frames are forwarded by packet sockets",
}
#: Modules that a step needs, by the error that says the kernel does not have them.
_MODULES = {("veth", errno.EOPNOTSUPP): "veth", ("packet ring", errno.EAFNOSUPPORT): "af_packet"}


def examine(facts: HostFacts) -> list[Finding]:
    """Run every check on this machine, which `facts` describe; takes about a second.

    What needs a privilege that this process lacks is not tried.
    """
    from plctl.agent.doctor import host_checks  # noqa: PLC0415  # an agent asks for the essentials only

    leftovers = [] if missing_capabilities() else [check_leftovers(find_leftovers())]
    return [*examine_essentials(facts.kernel), *leftovers, *host_checks.examine(facts)]


def examine_essentials(release: str, steps: Callable[[], list[TrialStep]] | None = None) -> list[Finding]:
    """Run only the checks that can make links impossible, on a kernel called `release`; takes a quarter of a second.

    :param steps: of a trial that was begun before.
    """
    missing = missing_capabilities()
    return [check_kernel(release), check_privileges(missing), *([] if missing else _try_kernel(steps or try_kernel))]


def require_kernel(steps: Callable[[], list[TrialStep]] | None = None) -> None:
    """Return if this machine can carry links; `steps` are of a trial that was begun before.

    :raises UserError: it cannot; a sentence for each thing that it lacks.
    """
    findings = examine_essentials(platform.release(), steps)
    if failed := [finding.as_sentence() for finding in findings if finding.level is Level.FAIL]:
        raise UserError("\n".join(failed))


def check_kernel(release: str) -> Finding:
    """`release` as uname(2) has it."""
    remedy = f"boot a kernel of {'.'.join(map(str, OLDEST_KERNEL))} or newer"
    return Finding.judge(
        "kernel", parse_release(release) >= OLDEST_KERNEL, f"Linux {release}", remedy, otherwise=Level.FAIL
    )


def check_privileges(missing: Sequence[str]) -> Finding:
    """`missing`: names of needed capabilities that this process lacks."""
    seen = f"{', '.join(missing)} missing, so the kernel was not tried" if missing else "may make namespaces and links"
    return Finding.judge(
        "privileges", not missing, seen, f"run as root: {sudo_command('doctor')}", otherwise=Level.FAIL
    )


def check_step(step: TrialStep) -> Finding:
    """One attempt of the kernel trial."""
    if not step.errno:
        return Finding(step.name, Level.OK, "works")
    if loss := _OPTIONAL.get(step.name):
        return Finding(step.name, Level.NOTE, os.strerror(step.errno), loss)
    return Finding(step.name, Level.FAIL, os.strerror(step.errno), _remedy(step))


def find_leftovers() -> list[str]:
    """Names of dead owners that left something; hand-made links, which are meant to stay, do not count."""
    return [
        folder.name
        for folder in owner_folders()
        if not is_held(folder) and all(entry.kind != "keep" for entry in read_entries(folder / LEDGER_NAME))
    ]


def check_leftovers(names: Sequence[str]) -> Finding:
    """`names` of dead owners."""
    seen = f"of {', '.join(names)}" if names else "none"
    return Finding.judge("leftovers", not names, seen, f"remove what a killed plctl left: {sudo_command('clean')}")


def _try_kernel(steps: Callable[[], list[TrialStep]]) -> list[Finding]:
    try:
        return [check_step(step) for step in steps()]
    except WorldError as error:
        return [Finding("kernel trial", Level.FAIL, str(error), f"try by hand: {' '.join(trial_command())}")]


def _remedy(step: TrialStep) -> str:
    if module := _MODULES.get((step.name, step.errno)):
        return (
            f"load the kernel module: modprobe {module}; where there is none, "
            f"apt install linux-modules-extra-{platform.release()} (Ubuntu) or boot the distribution's own kernel"
        )
    if step.errno in (errno.EPERM, errno.EACCES, errno.EROFS):
        return "root is not enough here: in a container, start it with --privileged"
    if step.errno in (errno.ENOSYS, errno.EINVAL):
        return "the kernel was built without it: boot the distribution's own kernel"
    return "plctl cannot work without it; the kernel's log (dmesg) may say more"
