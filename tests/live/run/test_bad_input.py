"""What is refused before anything is touched: a sentence of its own, status 2, no folder, no namespace, no ledger."""

from __future__ import annotations

import ctypes
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from socket import AF_PACKET

import pytest
from support.refused_sockets import refuse_sockets

from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.common.host.privilege import NEEDED

PLCTL = [sys.executable, "-m", "plctl.common"]
HEADER = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n"
GOOD = HEADER + "0,0,41,80\n1000,0,42,80\n"

PR_CAPBSET_DROP = 24

SCENARIOS = {
    "empty file": ("", "is empty; a scenario begins with the line Time[ms],RouteID,Delay[ms],Btldr[Mbps]"),
    "header alone": (HEADER, "has a header but no rows"),
    "missing column": ("Time[ms],RouteID,Delay[ms]\n0,0,41\n", ":1:1: the column Btldr[Mbps] is missing"),
    "descending times": (GOOD + "500,0,41,80\n", ":4:1: Time[ms]: 500 ms is not after the row before (1 s)"),
    "NaN": (HEADER + "0,0,NaN,80\n", ":2:5: Delay[ms]: 'NaN' is NaN, not a number"),
    "negative": (HEADER + "0,0,41,-1\n", ":2:8: Btldr[Mbps]: '-1' is negative"),
    "text in a number": (HEADER + "0,0,fast,80\n", ":2:5: Delay[ms]: 'fast' is not a number"),
    "not text": ("\0" * 99, "is not text (byte 1 is NUL)"),
}
SPECS = {
    "empty file": ("", "is empty; a run spec has at least the key links"),
    "unknown key": (
        "links: [{name: leo, scenario: good.csv, quue: 1}]\n",
        ":1:41: unknown key 'quue'; did you mean queue?",
    ),
    "unknown host": (
        "links: [{name: leo, scenario: good.csv, hosts: [edge-*]}]\n",
        "the host pattern 'edge-*' matches no known host; known are: local",
    ),
    "scenario is a directory": ("links: [{name: leo, scenario: .}]\n", "is a directory; a scenario is a file"),
    "empty command": (
        "links: [{name: leo, scenario: good.csv, workload: [{at: client, command: ''}]}]\n",
        "the command is empty",
    ),
}  # fmt: skip
OPTIONS = {
    "no time at all": (["--duration", "0s"], "'0s' is no time at all"),
    "more time than there is": (["--duration", "99999999h"], "is longer than ten years"),
    "no unit": (["--duration", "10"], "'10' is not a duration"),
    "negative seed": (["--seed", "-1"], "-1 is not in the range"),
    "empty command": (["--", ""], "the command after -- is empty"),
}


@pytest.fixture
def refused(tmp_path: Path, state_folder: Path, unique: str) -> Callable[..., str]:
    """Run plctl in a folder with a good scenario; what it says as it refuses, having touched nothing."""
    (tmp_path / "good.csv").write_text(GOOD)

    def run(*arguments: str, before: Callable[[], None] | None = None) -> str:
        there = sorted(tmp_path.rglob("*"))
        named = [word.replace("NAME", unique) for word in arguments]
        done = subprocess.run(
            [*PLCTL, *named], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False, preexec_fn=before
        )
        assert (2, "") == (done.returncode, done.stdout), done.stderr
        assert "Traceback" not in done.stderr
        assert there == sorted(tmp_path.rglob("*"))
        assert [] == [path for path in state_folder.iterdir() if path.name != ".lock"]
        assert [] == list(NETNS_DIR.glob(f"*{unique}*"))
        return done.stderr

    return run


@pytest.mark.parametrize("what", SCENARIOS)
def test_a_wrong_scenario(what: str, refused: Callable[..., str], tmp_path: Path, unique: str) -> None:
    """Each mistake has a sentence that says what was found and what is legal, with its place in the file."""
    text, sentence = SCENARIOS[what]
    (tmp_path / f"{unique}.csv").write_text(text)
    assert sentence in refused("run", "NAME.csv")


@pytest.mark.parametrize("what", SPECS)
def test_a_wrong_spec(what: str, refused: Callable[..., str], tmp_path: Path, unique: str) -> None:
    """Likewise in a run spec, also where the mistake shows only once the hosts are known."""
    text, sentence = SPECS[what]
    (tmp_path / f"{unique}.yaml").write_text(text)
    assert sentence in refused("run", "NAME.yaml")


@pytest.mark.parametrize("what", OPTIONS)
def test_a_wrong_option(what: str, refused: Callable[..., str]) -> None:
    """Options are read before anything is done."""
    options, sentence = OPTIONS[what]
    assert sentence in " ".join(refused("run", "good.csv", *options).split())


@pytest.mark.parametrize("option", ["--reconfiguration-delay", "--buffer-size-multiplier"])
@pytest.mark.parametrize("number", ["nan", "inf", "-1", "1e30"])
def test_numbers_that_no_link_can_have(option: str, number: str, refused: Callable[..., str]) -> None:
    """`plctl link start` takes numbers within bounds; NaN lies within none."""
    assert f"Invalid value for '{option}'" in refused("link", "start", "-n", "NAME", "good.csv", option, number)


@pytest.mark.parametrize("name", [".", "no-such-file.csv"])
def test_what_is_no_file(name: str, refused: Callable[..., str]) -> None:
    """A folder is called one, and what is not there is not there."""
    sentence = {".": "is a directory; a run spec or scenario is a file"}.get(name, "No such file or directory")
    assert sentence in refused("run", name)


@pytest.mark.parametrize("suffix", ["csv", "yaml"])
def test_a_gigabyte_of_zeros(suffix: str, refused: Callable[..., str], tmp_path: Path) -> None:
    """It is refused by its first bytes: half a gigabyte of memory would not be enough to read it."""
    with (tmp_path / f"zeros.{suffix}").open("wb") as file:
        file.truncate(10**9)
    before = lambda: resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))  # noqa: E731  (preexec_fn's shape)
    assert "is not text (byte 1 is NUL)" in refused("run", f"zeros.{suffix}", before=before)


@pytest.mark.parametrize(("length", "more"), [(79, True), (80, False), (150, False)])
def test_a_state_folder_with_too_long_a_path(
    length: int, more: bool, tmp_path: Path, state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Unix socket lies in it, whose path has 107 bytes at most: said in plctl's words, and no folder stays."""
    (tmp_path / "good.csv").write_text(GOOD)
    long = Path(f"{state_folder}/{'d' * (length - len(str(state_folder)) - 1)}")
    long.mkdir()
    monkeypatch.setenv("PLCTL_STATE_DIR", str(long))
    done = subprocess.run(
        [*PLCTL, "run", "good.csv", "--duration", "1s"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    stayed = [path for path in long.iterdir() if path.name != ".lock"]
    shutil.rmtree(long)
    assert [] == stayed
    if more:
        assert "too long" not in done.stderr
        assert list(tmp_path.glob("runs/*/run.json"))
    else:
        assert done.returncode == 2
        assert f"has {length} bytes, and for the socket in it at most 79 will do" in done.stderr
        assert [] == list(tmp_path.glob("runs"))


@pytest.mark.parametrize("capability", sorted(NEEDED))
@pytest.mark.parametrize("command", [["run", "good.csv"], ["link", "setup", "-n", "NAME"]])
def test_a_missing_privilege(command: list[str], capability: str, refused: Callable[..., str]) -> None:
    """Without one of the capabilities, which a container's root may lack, it is named before anything is made."""
    libc = ctypes.CDLL(None)

    def drop() -> None:
        assert 0 == libc.prctl(PR_CAPBSET_DROP, NEEDED[capability], 0, 0, 0)

    assert f"needs root: {capability} missing here" in refused(*command, before=drop)


@pytest.mark.parametrize("command", [["run", "good.csv"], ["link", "setup", "-n", "NAME"]])
def test_a_missing_kernel_module(command: list[str], refused: Callable[..., str]) -> None:
    """Where the kernel answers as one without af_packet does (a seccomp filter sees to that), its module is named."""
    assert "modprobe af_packet" in refused(*command, before=partial(refuse_sockets, AF_PACKET))
