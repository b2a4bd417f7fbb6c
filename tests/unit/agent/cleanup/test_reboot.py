"""After a reboot of its host an agent takes away what lies on disk, names what it lost, and touches nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from plctl.agent.cleanup.reboot import reap_after_reboot
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.ownership.output_folder import OutputFolder

RUN = "20261128-081500-handover-7f3a"


def left(base: Path) -> Path:
    """The folder of an agent with a run of two links."""
    base.mkdir()
    with closing(Ledger(base.parent / "ledger")) as ledger:
        folder = OutputFolder(ledger, base).path
    for link in ("leo-1", "leo-0"):
        (folder / f"{RUN}-0123456789abcdef" / link / "files").mkdir(parents=True)
    return folder


def test_what_was_lost_is_removed_and_named(tmp_path: Path) -> None:
    """Runs and links by name; a second look finds nothing."""
    folder = left(tmp_path / "output")
    assert {RUN: ("leo-0", "leo-1")} == reap_after_reboot(tmp_path / "output", "another boot")
    assert not folder.exists()
    assert {} == reap_after_reboot(tmp_path / "output", "another boot")
    assert {} == reap_after_reboot(tmp_path / "no such folder", "another boot")


def test_what_is_of_this_boot_or_not_provably_ours_is_left_alone(tmp_path: Path) -> None:
    """An agent that lives, one that does not say when it was made, a link to elsewhere, what others may write to."""
    folder = left(tmp_path / "output")
    assert {} == reap_after_reboot(tmp_path / "output")
    other = tmp_path / "output" / "plctl-0123456789abcdee"
    other.symlink_to(folder)
    (folder / ".boot").chmod(0o666)
    assert {} == reap_after_reboot(tmp_path / "output", "another boot")
    (folder / ".boot").unlink()
    (folder / ".boot").symlink_to(tmp_path / "elsewhere")
    assert {} == reap_after_reboot(tmp_path / "output", "another boot")
    (folder / ".boot").unlink()
    assert {} == reap_after_reboot(tmp_path / "output", "another boot")
    folder.chmod(0o777)
    assert {} == reap_after_reboot(tmp_path / "output", "another boot")
    assert folder.exists()
    assert other.is_symlink()
