"""An agent's key that is made where it is used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from plctl.common.security.keys import KeyPair, load_controller_public, load_pair
from plctl.deploy.slurm.node_key import main


@pytest.fixture
def controller() -> str:
    """A controller's public key."""
    return KeyPair.generate("controller", "controller").public


def test_a_key_is_made_in_place_and_only_its_public_half_is_told(
    controller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder is what an agent needs, for its owner alone; the line is what the controller needs."""
    folder = tmp_path / "keys"
    monkeypatch.setattr(sys, "argv", ["node_key", "node1.job7", str(folder), controller])
    assert 0 == main()
    pair = load_pair(folder, "agent")
    assert f"node1.job7 {pair.public}\n" == capsys.readouterr().out
    assert controller == load_controller_public(folder)
    assert 0o700 == folder.stat().st_mode & 0o777


def test_what_cannot_be_a_name_is_refused(
    controller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a sentence and status 2, and without a file."""
    monkeypatch.setattr(sys, "argv", ["node_key", "no name", str(tmp_path / "keys"), controller])
    assert 2 == main()
    assert "cannot name a peer" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())
