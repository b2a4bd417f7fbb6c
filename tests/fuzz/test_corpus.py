"""Inputs that once broke something, and some that reach far, do so no more; without a fuzzer."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from fuzz import messages, readers, requests, scenes

from plctl.common.scenario.readers.opening import reader_names

FOLDER = Path(__file__).parent
CORPUS = FOLDER / "corpus"


def inputs(target: str) -> list[Path]:
    """The kept inputs of a target; there is one at least, else nothing would be tested."""
    found = sorted(path for path in (CORPUS / target).iterdir() if path.is_file())
    assert found
    return found


@pytest.fixture
def forwarder() -> Iterator[None]:
    """The one that requests go to, ended after the test."""
    yield
    requests.close()


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The program that runs inputs of a target once; built when it is asked for first, which takes seconds of a CPU."""
    folder = tmp_path_factory.mktemp("replay")

    @cache
    def build(target: str) -> Path:
        subprocess.run([FOLDER / "build", folder, target, "replay"], check=True)
        return folder / target

    return build


@pytest.mark.parametrize("target", ["frame_path", "frame_path_xdp", "super_path", "segments", "trigger"])
def test_kept_inputs_pass_through_the_c_core(target: str, replay: Callable[[str], Path]) -> None:
    """Under ASan and UBSan every kept input is handled, and every frame of it accounted for."""
    done = subprocess.run([replay(target), *inputs(target)], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("target", scenes.SCENES)
def test_each_way_in_which_sending_fails_is_accounted_for(
    target: str, replay: Callable[[str], Path], tmp_path: Path
) -> None:
    """Interfaces that go down, come back or are deleted, kernels that take nothing: each frame left once, or never."""
    paths = scenes.write(target, tmp_path)
    done = subprocess.run([replay(target), *paths], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_kept_messages_are_understood_or_refused() -> None:
    """Every kept message has one of the two fates."""
    for path in inputs("messages"):
        messages.one_input(path.read_bytes())


@pytest.mark.usefixtures("forwarder")
def test_kept_requests_are_answered_or_refused() -> None:
    """Every kept request has one of the two fates."""
    for path in inputs("requests"):
        requests.one_input(path.read_bytes())


@pytest.mark.parametrize("name", reader_names())
def test_kept_and_altered_traces_are_read_or_refused(name: str) -> None:
    """Every kept input of a reader, and a hundred samples with a few pieces changed, has one of the two fates."""
    one_input = readers.target(name)
    kept = CORPUS / "readers" / name
    for data in [*(path.read_bytes() for path in sorted(kept.glob("*"))), *readers.altered(name, 100)]:
        one_input(data)
