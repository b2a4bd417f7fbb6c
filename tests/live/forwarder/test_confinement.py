"""A forwarder that somebody has taken over from a link can do little on its host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: What a process that is confined says of itself, and which of these it may do.
PROBE = """
import ctypes, errno, json, os, signal, sys
from pathlib import Path
from plctl.agent.forwarder.confinement import confine

inherited, victim = os.open(sys.argv[1], os.O_WRONLY), int(sys.argv[2])
refused = confine()

def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

print(json.dumps({
    "refused": refused,
    "new file": outcome(lambda: Path(sys.argv[1] + ".new").touch()),
    "sysctl": outcome(lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("0")),
    "descriptor": outcome(lambda: os.write(inherited, b"still")),
    "execute": outcome(lambda: os.execv("/bin/true", ["true"])),
    "kill": outcome(lambda: os.kill(victim, signal.SIGKILL)),
    "thread of another": outcome(lambda: call("tgkill", victim, victim, signal.SIGKILL)),
    "signal itself": outcome(lambda: signal.raise_signal(signal.SIGURG)),
    "trace": outcome(lambda: call("ptrace", 16, victim, 0, 0)),
    "mount": outcome(lambda: call("mount", b"none", b"/mnt", b"tmpfs", ctypes.c_ulong(0), None)),
    "account": outcome(lambda: os.setuid(1)),
    "read": outcome(lambda: Path("/proc/self/status").read_text()),
    "namespace": outcome(lambda: call("unshare", 0x40000000)),
}))
"""


def test_what_is_left_to_it(tmp_path: Path) -> None:
    file = tmp_path / "inherited"
    file.touch()
    with subprocess.Popen(["sleep", "60"]) as victim:
        command = (sys.executable, "-P", "-c", PROBE, str(file), str(victim.pid))
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert victim.poll() is None
        victim.kill()
    outcomes = json.loads(done.stdout)
    assert outcomes == {
        "refused": "",
        "new file": "EROFS",
        "sysctl": "EROFS",
        "descriptor": "done",
        "execute": "EPERM",
        "kill": "EPERM",
        "thread of another": "EPERM",
        "signal itself": "done",
        "trace": "EPERM",
        "mount": "EPERM",
        "account": "EPERM",
        "read": "done",
        "namespace": "done",
    }
    assert file.read_text() == "still"
