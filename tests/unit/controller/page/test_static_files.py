"""The page's files: complete, without a way for data to become markup or script, and uPlot as it was published."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from support.room_imports import ROOT

from plctl.controller.report import path_plots

STATIC = ROOT / "controller/page/static"
OURS = sorted(path for path in STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts)
SCRIPTS = [path for path in OURS if path.suffix == ".js"]

#: sha256 of the files in uplot-1.6.32.tgz of the npm registry, whose integrity there is
#: sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
PUBLISHED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot-LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
#: What reads markup or runs text, in any of its spellings.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
    r"|\beval\(|new Function|setAttribute\(\s*[\"'](?:style|on)|javascript:|cssText"
)


def names(paths: list[Path]) -> list[str]:
    """Their names, for the titles of tests."""
    return [str(path.relative_to(STATIC)) for path in paths]


def test_uplot_is_as_it_was_published() -> None:
    """Nobody mended it here; whoever takes a newer one takes its digest from the registry."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (STATIC / "vendor").iterdir()}
    assert PUBLISHED == found


@pytest.mark.parametrize("path", OURS, ids=names(OURS))
def test_no_file_asks_another_place(path: Path) -> None:
    """The page works without a network."""
    assert [] == re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]{2,}", path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=names(SCRIPTS))
def test_data_can_only_become_text(path: Path) -> None:
    """Nothing that reads markup or runs text is called anywhere."""
    assert [] == MARKUP.findall(path.read_text())


def test_the_page_has_no_script_and_no_style_in_itself() -> None:
    """So that the content security policy can forbid both."""
    text = (STATIC / "index.html").read_text()
    assert [] == re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    assert re.findall(r"<script [^>]*src=", text)


def test_every_file_that_is_named_is_there() -> None:
    """Of index.html, and of every import; and every file of ours is named by one."""
    named = {STATIC / "index.html"}
    for path in re.findall(r'(?:src|href)="/static/([^"]+)"', (STATIC / "index.html").read_text()):
        named.add(STATIC / path)
    for script in SCRIPTS:
        for path in re.findall(r'^import .*?from "([^"]+)";$', script.read_text(), re.MULTILINE):
            named.add((script.parent / path).resolve())
    assert [] == sorted(str(path) for path in named if not path.is_file())
    assert [] == sorted(str(path) for path in OURS if path not in named)


@pytest.mark.parametrize("path", SCRIPTS, ids=names(SCRIPTS))
def test_a_script_is_small_and_says_why_it_exists(path: Path) -> None:
    """As our modules do."""
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= 200


def test_a_folder_of_scripts_holds_few() -> None:
    """One look at the names is enough."""
    folders = {path.parent for path in OURS}
    assert {} == {str(folder): count for folder in folders if (count := len(list(folder.iterdir()))) > 22}


def colours(text: str) -> list[dict[str, str]]:
    """The variables of each block of a style sheet that has some, in order."""
    blocks = [dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in re.findall(r"\{([^{}]*)\}", text)]
    return [block for block in blocks if "paper" in block]


def test_colours_are_those_of_the_report() -> None:
    """Light and dark; the page may know more, and says in muted what must be read on a panel."""
    report = colours((ROOT / "controller/report/report.css").read_text())
    light, dark, chosen = colours((STATIC / "css/colours.css").read_text())
    shared = set(report[0]) - {"muted"}
    assert {name: report[0][name] for name in shared} == {name: light[name] for name in shared}
    assert {name: report[1][name] for name in shared} == {name: dark[name] for name in shared}
    assert dark == chosen


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #rrggbb."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("text", ["ink", "muted", "measured", "bad", "warn", "good"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read(text: str, ground: str, theme: int) -> None:
    """On each ground that they stand on: 4.5 to 1."""
    known = colours((STATIC / "css/colours.css").read_text())[theme]
    assert contrast(known[text], known[ground]) >= 4.5


def test_plots_speak_the_words_of_the_report() -> None:
    """What was dropped, marked and impaired is called the same on both."""
    figures = (STATIC / "js/plots/figures.js").read_text()
    kinds = (*path_plots.DROPS, *path_plots.PATH)
    told = re.findall(r'name: "(\w+)", colour: "(\w+)", key: "(\w+)", words: "([^"]+)"', figures)
    assert [(kind.field, kind.key, kind.words) for kind in kinds] == [
        (name, key, words) for name, _, key, words in told
    ]
