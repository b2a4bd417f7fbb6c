"""Puts what `make bench` measured last beside the documents, in place of the same rows there: `make publish`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.table import RESULT

PUBLISHED = Path("docs/performance/bench.json")


def merged(sessions: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    """`sessions` and the `new` one, without those rows of the former that were measured again."""
    again = {_key(row) for row in new["rows"]}
    kept = [{**each, "rows": [row for row in each["rows"] if _key(row) not in again]} for each in sessions]
    return [*(each for each in kept if each["rows"]), new]


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["what"], row["way"]


def main() -> None:
    """In the repository's root, after `make bench`."""
    sessions = json.loads(PUBLISHED.read_text())["sessions"] if PUBLISHED.exists() else []
    sessions = merged(sessions, json.loads(RESULT.read_text()))
    PUBLISHED.write_text(json.dumps({"sessions": sessions}, indent=1) + "\n")
    print(f"{PUBLISHED}: {sum(len(each['rows']) for each in sessions)} rows of {len(sessions)} sessions")


if __name__ == "__main__":
    main()
