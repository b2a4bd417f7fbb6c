"""A run imports no pandas, whether or not there is one."""

from __future__ import annotations

import subprocess
import sys


def test_a_run_imports_no_pandas() -> None:
    """pyarrow would, at the first list that it is handed; and does not ask again."""
    code = (
        "import sys\n"
        "from plctl.controller.results.arrow_alone import keep_pandas_out\n"
        "keep_pandas_out()\n"
        "import plctl.controller.launch.local_run, plctl.controller.report.page, pyarrow as pa\n"
        "assert ['x'] == pa.array(['x']).to_pylist()\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'pandas' and sys.modules[name]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout
