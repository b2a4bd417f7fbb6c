"""The folder for output lies on disk, is in the ledger before it exists, and goes with its owner."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plctl.agent.cleanup.reap import reap
from plctl.agent.ownership.ledger import Entry, Ledger
from plctl.agent.ownership.output_folder import OutputFolder
from plctl.common.base.errors import KernelError
from plctl.common.host.state import Owner, output_dir


@pytest.fixture
def ledger(state_folder: Path) -> Iterator[Ledger]:
    """Of an owner that lives as long as the test."""
    assert state_folder.is_dir()
    with Owner.create("owner") as owner:
        with contextlib.closing(Ledger(owner.ledger_path)) as ledger:
            yield ledger
        owner.remove()


def test_it_lies_on_disk_and_goes(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """In /var/tmp, not in the state folder, which is memory on most machines."""
    monkeypatch.delenv("PLCTL_OUTPUT_DIR", raising=False)
    output = OutputFolder(ledger, output_dir())

    assert output.path.parent == Path("/var/tmp")
    assert output.path.stat().st_mode & 0o777 == 0o711
    assert ledger.entries() == [Entry("folder", str(output.path))]
    output.remove()
    assert not output.path.exists()
    assert ledger.entries() == []


def test_a_dead_owners_folder_is_reaped(state_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that programs left in it; what a link in it leads to stays."""
    monkeypatch.setenv("PLCTL_OUTPUT_DIR", str(tmp_path))
    (tmp_path / "others").mkdir()
    owner = Owner.create("dead")
    with contextlib.closing(Ledger(state_folder / "dead" / "ledger.jsonl")) as ledger:
        output = OutputFolder(ledger, output_dir())
    owner.close()
    os.mkfifo(output.path / "ctl")
    (output.path / "link").symlink_to(tmp_path / "others")

    assert f"removed folder {output.path} of dead" in reap()
    assert sorted(tmp_path.iterdir()) == [tmp_path / "others"]


def test_without_a_writable_disk_it_lies_beside_the_ledger(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a user asked for another place, that is said instead."""
    assert OutputFolder(ledger, tmp_path / "none").path.parent == ledger.path.parent
    assert ledger.entries() == []

    monkeypatch.setenv("PLCTL_OUTPUT_DIR", str(tmp_path / "none"))
    with pytest.raises(KernelError, match=r"none \(\$PLCTL_OUTPUT_DIR\): No such file or directory"):
        OutputFolder(ledger, output_dir())
