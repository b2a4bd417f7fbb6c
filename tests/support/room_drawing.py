"""Draws the rooms and their imports as docs/rooms.svg: `python -m support.room_drawing`, or `make rooms`.

A package is a panel, and its rooms stand above those that they import. An arrow that follows from others is left out:
who imports hub, which imports lifecycle, needs no arrow of its own to lifecycle. What a room imports from elsewhere
stands in its box; common/base, which nearly all import, is left out.
"""

from __future__ import annotations

import textwrap

from support.room_imports import PACKAGES, ROOT, imports, rooms

DRAWING = "docs/rooms.svg"

_WIDTH, _HEIGHT, _GAP, _ROW = 158, 58, 14, 104  # of a room, between rooms, from one level to the next
_MARGIN, _HEAD = 20, 44
_STYLE = """
text { font: 12px sans-serif; fill: #1b1f24; text-anchor: middle } .small { font-size: 9px; fill: #57606a }
.head { font-size: 15px; font-weight: 600; text-anchor: start }
.page { fill: #ffffff } .panel { fill: #f6f8fa; stroke: #d0d7de } .room { fill: #ffffff; stroke: #57606a }
path { fill: none; stroke: #0969da; stroke-opacity: 0.55; marker-end: url(#tip) }
#tip path { fill: #0969da; stroke: none }
"""

Graph = dict[str, set[str]]


def reduced(graph: Graph) -> Graph:
    """`graph` without the edges that a longer way replaces."""

    def reach(room: str) -> set[str]:
        return graph[room] | {far for near in graph[room] for far in reach(near)}

    return {
        room: {t for t in targets if not any(t in reach(o) for o in targets - {t})} for room, targets in graph.items()
    }


def levels(graph: Graph) -> dict[str, int]:
    """How far above the ground each room stands: one more than the highest that it imports."""
    found: dict[str, int] = {}

    def level(room: str) -> int:
        if room not in found:
            found[room] = 1 + max((level(target) for target in graph[room]), default=-1)
        return found[room]

    for room in graph:
        level(room)
    return found


def draw() -> str:
    """The whole drawing, from the imports as they are."""
    whole: Graph = {room: set() for room in rooms()}
    for found in imports():
        if found.target != "common/base":
            whole[found.room].add(found.target)
    panels, top, width = [], _MARGIN, 0
    for package in reversed(PACKAGES):
        drawn, panel_width, height = _panel(package, whole, top)
        panels.append(drawn)
        top += height + _MARGIN
        width = max(width, panel_width + 2 * _MARGIN)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" role="img">',
            "<title>The rooms of plctl, and what each imports</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z"/></marker></defs>',
            f'<rect class="page" width="{width}" height="{top}"/>',
            *panels,
            "</svg>\n",
        ]
    )


def _panel(package: str, whole: Graph, top: int) -> tuple[str, int, int]:
    """The drawing of a package whose upper edge is at `top`; its width and height."""
    own = {room for room in whole if room.startswith(f"{package}/")}
    graph = reduced({room: whole[room] & own for room in sorted(own)})
    level = levels(graph)
    rows = [sorted(room for room in own if level[room] == number) for number in range(max(level.values()), -1, -1)]
    width = max(map(len, rows)) * (_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    height = _HEAD + (len(rows) - 1) * _ROW + _HEIGHT + _MARGIN
    place: dict[str, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        left = _MARGIN + (width - len(row) * (_WIDTH + _GAP) + _GAP) // 2
        row.sort(key=lambda room: (_mean([place[above][0] for above in place if room in graph[above]]), room))
        place |= {room: (left + i * (_WIDTH + _GAP), top + _HEAD + number * _ROW) for i, room in enumerate(row)}
    arrows = [_arrow(place[room], place[target]) for room in sorted(own) for target in sorted(graph[room])]
    boxes = [_box(room, place[room], whole[room] - own) for room in sorted(own)]
    frame = f'<rect class="panel" x="{_MARGIN}" y="{top}" width="{width}" height="{height}" rx="6"/>'
    head = f'<text class="head" x="{2 * _MARGIN}" y="{top + 26}">{package}</text>'
    return "\n".join([frame, head, *arrows, *boxes]), width, height


def _mean(values: list[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x0, y0, x1, y1 = start[0] + _WIDTH // 2, start[1] + _HEIGHT, end[0] + _WIDTH // 2, end[1]
    return f'<path d="M{x0} {y0}C{x0} {y0 + 30} {x1} {y1 - 30} {x1} {y1}"/>'


def _box(room: str, place: tuple[int, int], foreign: set[str]) -> str:
    """A room with its name and, small, what it imports of other packages; rooms of common without their package."""
    x, y = place
    words = " ".join(sorted(target.removeprefix("common/") for target in foreign))
    lines = textwrap.wrap(words, 30)
    parts = [
        f'<rect class="room" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4"/>',
        f'<text x="{x + _WIDTH // 2}" y="{y + 16}">{room.partition("/")[2]}</text>',
    ]
    parts += [
        f'<text class="small" x="{x + _WIDTH // 2}" y="{y + 29 + 11 * index}">{line}</text>'
        for index, line in enumerate(lines)
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / DRAWING).write_text(draw())
