"""The example notebook does what it shows: it is executed from its first cell to its last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.studies.synthetic_study import make_study
from support.synthetic_run import RUN, handover_plan, make_run

NOTEBOOK = Path(__file__).parents[4] / "docs" / "examples" / "read-a-run.ipynb"


def test_the_example_notebook(tmp_path: Path) -> None:
    """A cell that fails ends it, and what the last one says is right."""
    with make_run(tmp_path, (handover_plan("leo-0"),)):
        pass
    copy = tmp_path / NOTEBOOK.name
    copy.write_bytes(NOTEBOOK.read_bytes())
    named = {"RUN": str(tmp_path / RUN), "STUDY": str(make_study(tmp_path)), "MPLBACKEND": "agg"}
    homes = {name: str(tmp_path / "jupyter") for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    execute = [sys.executable, "-P", "-c", "from nbclient.cli import main; main()", "--inplace", str(copy)]
    done = subprocess.run(
        execute, env=os.environ | named | homes, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    last = json.loads(copy.read_text())["cells"][-1]["outputs"][-1]["data"]["text/plain"]
    said = "".join(last)
    assert "pairs=6, unpaired=0" in said
    assert "difference=BootstrapInterval(value=2000000.0" in said
