"""A run spec says what the path does to frames, both ways or each, and what is wrong with it is located."""

from __future__ import annotations

from pathlib import Path

import pytest

from plctl.common.base.errors import InputError
from plctl.common.plan.impairments import Impairments, Jitter, Loss
from plctl.common.plan.run_plan import LinkPlan
from plctl.controller.spec.run_spec import load_run

SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps],Loss[%]\n0,0,41,80,2\n500,0,42,80,\n"


def plan(folder: Path, keys: str) -> LinkPlan:
    """The plan of a link with these keys."""
    (folder / "a.csv").write_text(SCENARIO)
    (folder / "run.yaml").write_text(f"duration: 1s\nlinks:\n  - name: a\n    scenario: a.csv\n{keys}")
    return load_run(folder / "run.yaml").links[0].plan


def test_columns_hold_unless_a_key_takes_their_place(tmp_path: Path) -> None:
    """For both directions, or for one alone."""
    both = plan(tmp_path, "    jitter: 5ms\n    corrupt: 0.5%\n")
    assert [20_000_000, 0] == list(both.up.column("loss_ppb"))
    assert ([5_000_000] * 2, [5_000_000] * 2) == (
        list(both.up.column("jitter_ns")),
        list(both.down.column("corrupt_ppb")),
    )
    assert (both.up is both.down, ()) == (True, both.impairments)
    each = plan(tmp_path, "    loss: {burst: 4}\n    down: {loss: 3%, duplicate: {probability: 1%, delay: 2ms}}\n")
    assert ([20_000_000, 0], [30_000_000] * 2) == (list(each.up.column("loss_ppb")), list(each.down.column("loss_ppb")))
    assert (
        Impairments(Loss("burst", r_ppb=250_000_000)),
        Impairments(duplicate_delay_ns=2_000_000),
    ) == each.impairments
    assert [10_000_000] * 2 == list(each.down.column("duplicate_ppb"))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("loss: {model: gilbert-elliott, p: 1%, r: 25%, loss_bad: 80%}",
         Impairments(Loss("gilbert-elliott", 10**7, 25 * 10**7, 0, 8 * 10**8))),
        ("loss: {model: gilbert-elliott, p: 1%}", Impairments(Loss("gilbert-elliott", 10**7, 99 * 10**7))),
        ("loss: {pattern: [10%, 50%]}", Impairments(Loss("pattern", pattern_ppb=(10**8, 5 * 10**8)))),
        ("loss: {drop: [17, 3, 40-60]}", Impairments(Loss("list", listed=((3, 3), (17, 17), (40, 60))))),
        ("jitter: {deviation: 1ms, distribution: pareto, correlation: 25%, reorder: true}",
         Impairments(jitter=Jitter("pareto", (), 2**30, 0, True))),
        ("jitter: {correlation_time: 20ms}", Impairments(jitter=Jitter(correlation_time_ns=20_000_000))),
    ],
)  # fmt: skip
def test_models(tmp_path: Path, keys: str, expected: Impairments) -> None:
    """Every model of loss and jitter, in the plan's integers."""
    assert (expected,) == plan(tmp_path, f"    {keys}\n").impairments


def test_a_table_of_samples_is_read_and_kept(tmp_path: Path) -> None:
    """In any order and unit, with comments; it has mean 0 and deviation 1 afterwards."""
    (tmp_path / "my.dist").write_text("# measured, ms\n3 1\n2 5\n")
    (impairments,) = plan(tmp_path, "    jitter: {deviation: 1ms, distribution: table, table: my.dist}\n").impairments
    table = impairments.jitter.table
    assert (4, list(table)) == (len(table), sorted(table))
    assert "my.dist" in [source.path for source in load_run(tmp_path / "run.yaml").sources]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("loss: 101%", "probability: '101%' is no share; write a percentage from 0 to 100, e.g. 1%"),
        ("loss: {burst: 4, drop: [3]}", "give one of burst, model, pattern and drop"),
        ("loss: {drop: [3, 1-4]}", "drop names a frame twice"),
        ("loss: {drop: [x]}", "'x' is no frame's number from 1"),
        ("loss: {model: gilbert-elliott}", "model: gilbert-elliott and p go together"),
        ("loss: {r: 5%}", "r, loss_bad and loss_good are of model: gilbert-elliott"),
        ("loss: {probability: 1%, pattern: [1%]}", "probability goes with burst, or stands alone"),
        ("jitter: {table: x}", "distribution: table and table: FILE go together"),
        ("jitter: {correlation: 100%}", "a correlation is less than 100%"),
        ("jitter: {distribution: table, table: gone}", "gone cannot be read: No such file or directory"),
        ("jitter: {distribution: table, table: a.csv}", "a.csv is no distribution"),
        ("down: {los: 1%}", "unknown key 'los'; did you mean loss?"),
    ],
)
def test_refusals(tmp_path: Path, keys: str, sentence: str) -> None:
    """Each with its line."""
    with pytest.raises(InputError) as caught:
        plan(tmp_path, f"    {keys}\n")
    assert sentence in str(caught.value)
    assert "run.yaml:5:" in str(caught.value)
