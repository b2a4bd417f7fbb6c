"""What draws a report is imported while a run goes on, and takes the time from nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CODE = """
import os, sys, threading, types
from plctl.controller.launch import report_import
from plctl.controller.launch.report_import import NICE, ReportImport

nice, proceed, mine = [], threading.Event(), os.getpriority(os.PRIO_PROCESS, 0)

def look(name):
    if name != "plctl.controller.report.page":
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine
        return importing(name)
    nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    proceed.wait(30)
    nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    return importing(name)

importing = report_import.importlib.import_module
report_import.importlib = types.SimpleNamespace(import_module=look)
ReportImport(report=True).hurry()
ReportImport(report=True).wait()
assert "matplotlib" not in sys.modules
assert "pyarrow" not in sys.modules
importer = ReportImport(report=True)
importer.begin()
importer.begin()
while not nice:
    pass
importer.hurry()
proceed.set()
importer.wait()
assert "plctl.controller.report.page" in sys.modules
print(nice == [min(19, mine + NICE), mine], mine < 19)
"""


@pytest.mark.needs_root  # to be less nice again
def test_the_thread_is_nice_until_somebody_waits_for_it() -> None:
    """Then it is as urgent as whoever waits; begun once, however often it is told, and never if it is not."""
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=False, timeout=120)
    assert ("True True\n", "") == (done.stdout, done.stderr)


_WITHOUT_REPORT = """
import sys
from plctl.controller.launch.report_import import ReportImport
importer = ReportImport(report=False)
importer.begin()
importer.thread.join(60)
print([name in sys.modules for name in ("plctl.controller.results.run_columns", "plctl.controller.report.page")])
"""


def test_without_a_report_only_what_writes_numbers_is_imported() -> None:
    """Every run has telemetry."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_REPORT], capture_output=True, text=True, check=False, timeout=120
    )
    assert ("[True, False]\n", "") == (done.stdout, done.stderr)


_LEISURE = """
import sys
from pathlib import Path
from plctl.controller.launch.report_import import ReportImport
importer = ReportImport(report=True)
importer.begin()
importer.wait()
before = set(sys.modules)
from support.synthetic_run import make_run
from plctl.controller.report import page
page.write(make_run(Path(sys.argv[1])).path)
print([name for name in sys.modules if name not in before and name.partition(".")[0] in ("pyarrow", "matplotlib")])
"""


def test_in_time_everything_that_a_report_needs_is_imported(tmp_path: Path) -> None:
    """Also what Arrow and matplotlib import only when they are used."""
    command = [sys.executable, "-c", _LEISURE, str(tmp_path)]
    tests = str(Path(__file__).parents[3])
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "PYTHONPATH": tests}
    )
    assert ("[]\n", "") == (done.stdout, done.stderr)
