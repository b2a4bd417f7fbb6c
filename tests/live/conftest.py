"""What every live test needs: a state folder of its own, an owner, and names that no other test run uses."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plctl.agent.cleanup.reap import reap
from plctl.agent.kernel.link_namespaces import LinkNamespaces, build, remove
from plctl.agent.lab.lab import Lab, take_down
from plctl.agent.ownership.ledger import Ledger
from plctl.common.host.state import Owner
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

_numbers = itertools.count()


@pytest.fixture
def unique() -> str:
    """A name for namespaces that no other test uses, be it of another run at the same time."""
    return f"t{os.getpid()}x{next(_numbers)}"


@pytest.fixture
def state(state_folder: Path) -> Iterator[Path]:
    """The test's own state folder; what owners left in it is removed at the end, hand-made links too."""
    yield state_folder
    reap(kept_too=True)


@pytest.fixture
def owner(state: Path, unique: str) -> Iterator[Owner]:
    """An owner that lives as long as the test."""
    with Owner.create(f"owner-{unique}") as owner:
        assert owner.path.parent == state
        yield owner


@pytest.fixture
def ledger(owner: Owner) -> Iterator[Ledger]:
    """The owner's ledger."""
    with contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        yield ledger


@pytest.fixture
def namespaces(unique: str) -> LinkNamespaces:
    """The names of a link that does not exist yet."""
    return LinkNamespaces.named("agent", unique, "leo-0")


@pytest.fixture
def plan() -> LinkPlan:
    """A link of 100 Mbit/s and 10 ms both ways."""
    schedule = Schedule((Row(0, 0, 10_000_000, 100_000_000),))
    return LinkPlan("leo-0", schedule, schedule)


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """The namespaces of the link that `plan` is of, in which the kernel says nothing of its own accord for now."""
    build(namespaces, plan, ledger)
    yield namespaces
    remove(namespaces, ledger)


@pytest.fixture
def bring_up(state: Path, unique: str) -> Iterator[Callable[..., Lab]]:
    """Brings a laboratory up, `Lab.up` without the name, and takes it down at the end."""
    assert state.is_dir()
    yield lambda *arguments, **options: Lab.up(unique, *arguments, **options)
    take_down(unique)
