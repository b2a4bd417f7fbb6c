"""What of a link is to change, as a user types it."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.cli.change_options import asker, change_options
from plctl.common.plan.link_change import LinkChange

MS = 10**6


@click.command()
@change_options
@click.pass_context
def command(ctx: click.Context, change: LinkChange) -> None:
    """Hands the change to the test."""
    ctx.obj.append(change)


def read(*arguments: str) -> LinkChange:
    """What the options come to."""
    found: list[LinkChange] = []
    done = CliRunner().invoke(command, arguments, obj=found)
    assert 0 == done.exit_code, done.output
    return found[0]


def test_what_is_named_is_for_both_directions() -> None:
    """Each option in its unit; what is not named is not there."""
    both = {
        "delay_ns": 20 * MS, "rate_bps": 5_000_000, "loss_ppb": 10**7, "jitter_ns": 2 * MS, "route": 7,
        "queue_bytes": 64000, "duplicate_ppb": 10**6, "corrupt_ppb": 5 * 10**8,
    }  # fmt: skip
    options = (
        "--delay 20ms --rate 5Mbps --loss 1% --jitter 2ms --route 7 --capacity 64kB --duplicate 0.1% --corrupt 0.5"
    )
    assert LinkChange(both, both) == read(*options.split())
    assert LinkChange({"rate_bps": RATE_UNLIMITED}, {"rate_bps": RATE_UNLIMITED}, hold=True) == read(
        "--rate", "inf", "--hold"
    )


def test_a_direction_can_be_named_or_each_get_a_value_of_its_own() -> None:
    """By --up or --down, or by a slash, which a rate may have for itself, too."""
    assert LinkChange(up={"delay_ns": MS}) == read("--up", "--delay", "1ms")
    assert LinkChange(down={"delay_ns": MS}) == read("--down", "--delay", "1ms")
    assert LinkChange({"delay_ns": MS}, {"delay_ns": MS}) == read("--up", "--down", "--delay", "1ms")
    assert LinkChange({"delay_ns": MS}, {"delay_ns": 2 * MS}) == read("--delay", "1ms/2ms")
    rates = LinkChange({"rate_bps": 5_000_000}, {"rate_bps": 20_000_000})
    assert rates == read("--rate", "5Mbit/s/20Mbit/s") == read("--rate", "5Mbps / 20Mbit/s")
    assert LinkChange(up={"rate_bps": 0}) == read("--up", "--rate", "0bit/s")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([], "what is to change?"),
        (["--hold"], "what is to change?"),
        (["--delay", "20"], "'20' is not a duration"),
        (["--loss", "101%"], "is no share"),
        (["--route", "-1"], "is no route"),
        (["--delay", "1ms/2ms/3ms"], "is not one value, or one for each direction"),
        (["--up", "--delay", "1ms/2ms"], "is not one value, or one for each direction"),
    ],
)
def test_what_is_no_change_is_refused(arguments: list[str], cause: str) -> None:
    """With what is legal."""
    done = CliRunner().invoke(command, arguments, obj=[])
    assert (2, True) == (done.exit_code, cause in done.output), done.output


def test_who_asks_is_who_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the account; a name that would spoil a terminal is not taken."""
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "ada")
    assert "ada" == asker()
    monkeypatch.setenv("SUDO_USER", "a\x1b[2J")
    assert "root" == asker()
    monkeypatch.delenv("SUDO_USER")
    assert "root" == asker()
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    assert "user 4000000" == asker()
