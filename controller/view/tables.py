"""How listings are printed: a table on a terminal, and the same columns, never wrapped or cut, anywhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

Cell = str | Text


def print_table(
    console: Console, headers: Sequence[str], rows: Iterable[Sequence[Cell]], right: Collection[str] = ()
) -> None:
    """Print `rows` under `headers`; the columns named in `right` stand to the right.

    Headers may have two lines; where there is no terminal each is one.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in headers:
        title = name if console.is_terminal else name.replace("\n", " ")
        table.add_column(Text(title), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)
