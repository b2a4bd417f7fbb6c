"""The process that a workload starts as: it enters its namespace, waits for T0, and becomes the workload.

Run as a script by the bare interpreter (`python -I -S gate.py ORDER`), so that a thousand of them start quickly; hence
the standard library only, and little of it. ORDER is a JSON object:

    gate, status   descriptors: the start is read from the first, lines for the agent are written to the second
    parent         pid of the agent, with which this process ends
    netns          path of the network namespace
    etc            pairs of files, the first of which is laid over the second
    user           account to run as, or ""
    open_files     how many descriptors the command may have, unless it asks for more
    command        argv

On the gate 8 bytes tell when to start (CLOCK_MONOTONIC, ns; 0: now); its end without them tells to leave. On the status
pipe come "ready" once this process waits, "executing" and what the clock says right before it executes the command, and
then nothing if it could (its end, as the kernel closes it), else what went wrong.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
import warnings  # noqa: F401  # os.execvp imports it, which the workload's user may not be able to any more

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_REC_SLAVE = 0x4000 | 0x80000
_MS_BIND = 0x1000
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
#: Sleeping ends late by some ten microseconds, so the rest is spun.
_SPIN_NS = 150_000
#: What a shell says of a command that it cannot find, and of one that it cannot execute.
NOT_FOUND, NOT_EXECUTABLE = 127, 126

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Carry out the order in argv."""
    order = json.loads(sys.argv[1])
    status = order["status"]
    os.set_inheritable(status, False)
    try:
        _enter(order["netns"])
        _lay_over(order["etc"])
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (order["open_files"], most))
        if order["user"]:
            _become(order["user"])
        _die_with(order["parent"])
        os.write(status, b"ready\n")
        start_ns = _wait_at(order["gate"])
    except (OSError, KeyError) as error:
        _leave(status, f"{error}", NOT_EXECUTABLE)
    command = order["command"]
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the interpreter ignores it, a command expects it
    _sleep_until(start_ns)
    try:
        os.write(status, b"executing %d\n" % time.monotonic_ns())
        os.execvp(command[0], command)
    except FileNotFoundError:
        _leave(status, f"cannot execute {command[0]}: command not found", NOT_FOUND)
    except OSError as error:
        _leave(status, f"cannot execute {command[0]}: {error.strerror}", NOT_EXECUTABLE)


def _enter(netns: str) -> None:
    """Into the network namespace, with a mount namespace whose /sys shows that network, as `ip netns exec` does."""
    fd = os.open(netns, os.O_RDONLY)
    _check(f"enter {netns}", _libc.setns(fd, _CLONE_NEWNET))
    os.close(fd)
    _check("unshare mounts", _libc.unshare(_CLONE_NEWNS))
    _check("keep mounts private", _libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC_SLAVE), None))
    if _libc.umount2(b"/sys", _MNT_DETACH) == 0:  # without it only tools that look into /sys see another network
        _libc.mount(b"sysfs", b"/sys", b"sysfs", ctypes.c_ulong(0), None)


def _lay_over(binds: list[list[str]]) -> None:
    """What cannot be laid, as there is no such file, is passed over."""
    for source, target in binds:
        _libc.mount(os.fsencode(source), os.fsencode(target), b"none", ctypes.c_ulong(_MS_BIND), None)


def _become(user: str) -> None:
    import pwd  # noqa: PLC0415  # few workloads need it, and it costs a millisecond

    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise OSError(f"there is no user {user!r} on this host") from None
    for output in (1, 2):  # so that it can open /dev/stdout, too
        os.fchown(output, account.pw_uid, account.pw_gid)
    os.initgroups(user, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ.update(HOME=account.pw_dir, USER=user, LOGNAME=user)


def _die_with(parent: int) -> None:
    """Be killed when the agent dies. Last, because a change of user would undo it."""
    _check("be killed with the agent", _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit(0)


def _wait_at(gate: int) -> int:
    data = os.read(gate, 8)
    if len(data) != 8:
        sys.exit(0)
    os.close(gate)
    return int.from_bytes(data, "little")


def _sleep_until(t_ns: int) -> None:
    left = t_ns - time.monotonic_ns() - _SPIN_NS
    if left > 0:
        time.sleep(left / 1e9)
    while time.monotonic_ns() < t_ns:
        pass


def _check(attempt: str, result: int) -> None:
    if result != 0:
        raise OSError(f"cannot {attempt}: {os.strerror(ctypes.get_errno())}")


def _leave(status: int, why: str, code: int) -> None:
    os.write(status, why.encode())
    os._exit(code)


if __name__ == "__main__":
    main()
