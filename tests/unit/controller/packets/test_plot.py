"""Pictures of packets show both directions, their units and every extreme."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from plctl.controller.packets.plot import extremes, plot_svg, plot_text
from plctl.controller.packets.stats import PacketSummary, Sent


def summary(direction: str, count: int = 5000, peak_ms: int = 80) -> PacketSummary:
    """Packets every millisecond with a sojourn of 1 ms, and a peak in the middle."""
    sojourn = np.full(count, 10**6, np.int64)
    sojourn[count // 2 : count // 2 + 1] = peak_ms * 10**6
    zero = np.zeros(count, np.int64)
    sent = Sent(np.arange(count) / 1000, sojourn, zero, zero, sojourn + 5 * 10**6)
    return PacketSummary(direction, {"admitted": count}, 0, 0, sent)


@pytest.fixture(scope="module", autouse=True)
def _fonts_are_open() -> None:
    """Draw once before anything is watched: matplotlib keeps the font files that it opened, a cache and no leak."""
    plot_svg([summary("up"), summary("down")], "any")


def test_text_has_titles_units_and_signs() -> None:
    """The plot in the terminal explains itself and has the size that was asked for."""
    text = plot_text([summary("up"), summary("down")], "leo-0", width=72, colour=False)
    for words in ("leo-0: sojourn: queue and service [ms]", "leo-0: one-way delay [ms]", "arrival after T0 [s]",
                  "up (client → server)", "down (server → client)"):  # fmt: skip
        assert words in text
    assert {72} == {len(line) for line in text.splitlines()[:30]}
    assert "\x1b" not in text


def test_crowded_packets_keep_their_extremes() -> None:
    """Of many packets few points are drawn, and a single late one is among them."""
    sent = summary("up", count=100_000, peak_ms=80).sent
    x, y = extremes(sent.t_s, sent.sojourn, bins=100)
    assert len(x) == len(y) <= 202
    assert (80.0, 1.0) == (y.max(), y.min())
    assert (50.0, [*x]) == (x[y.argmax()], sorted(x))


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_few_packets_are_all_drawn(count: int) -> None:
    """What fits is drawn as it is; no packets are a picture, too."""
    sent = summary("up", count).sent
    x, _ = extremes(sent.t_s, sent.sojourn, bins=150)
    assert [*sent.t_s] == [*x]
    assert plot_svg([summary("up", count)], "few").startswith("<?xml")
    assert "sojourn" in plot_text([summary("up", count)], "few")


def test_svg_is_self_contained_and_reproducible() -> None:
    """The SVG is well-formed, refers to nothing outside itself, and is the same every time."""
    text = plot_svg([summary("up"), summary("down")], "a $x$ & b")
    root = ElementTree.fromstring(text)
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert [] == [link for link in links if not link.startswith("#")]
    assert text == plot_svg([summary("up"), summary("down")], "a $x$ & b")
