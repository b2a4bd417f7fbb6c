"""Inputs that once broke something, and some that reach far, do so no more; without a fuzzer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz import messages, requests, scenes

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


@pytest.mark.parametrize("target", ["frame_path", "frame_path_xdp", "trigger"])
def test_kept_inputs_pass_through_the_c_core(target: str, tmp_path: Path) -> None:
    """Under ASan and UBSan every kept input is handled, and every frame of it accounted for."""
    subprocess.run([FOLDER / "build", tmp_path, target, "replay"], check=True)
    done = subprocess.run([tmp_path / target, *inputs(target)], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("target", scenes.SCENES)
def test_each_way_in_which_sending_fails_is_accounted_for(target: str, tmp_path: Path) -> None:
    """Interfaces that go down, come back or are deleted, kernels that take nothing: each frame left once, or never."""
    subprocess.run([FOLDER / "build", tmp_path, target, "replay"], check=True)
    paths = scenes.write(target, tmp_path)
    done = subprocess.run([tmp_path / target, *paths], capture_output=True, text=True, check=False)
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
