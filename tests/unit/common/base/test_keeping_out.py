"""A run imports no pandas, whether or not there is one."""

from __future__ import annotations

import subprocess
import sys


def test_a_run_imports_no_pandas() -> None:
    """pyarrow would, at the first list that it is handed; and does not ask again."""
    code = (
        "import sys\n"
        "from plctl.common.base.keeping_out import keep_out\n"
        "keep_out('pandas')\n"
        "import plctl.controller.launch.local_run, plctl.controller.report.page, pyarrow as pa\n"
        "assert ['x'] == pa.array(['x']).to_pylist()\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'pandas' and sys.modules[name]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout


def test_a_run_here_does_without_structlog_and_its_agent_without_rich() -> None:
    """Only the logs of daemons need the one, and nothing in an agent the other."""
    codes = {
        "structlog": "import plctl.controller.launch.local_run",
        "rich": "from plctl.common.base.keeping_out import keep_out\nkeep_out('rich')\n"
        "import plctl.agent.commands.agent, plctl.agent.run.host_site, plctl.agent.service.daemon, structlog",
    }
    for name, code in codes.items():
        command = [
            sys.executable,
            "-c",
            f"import sys\n{code}\nprint([name for name in sys.modules if name == {name!r}])",
        ]
        assert "[]\n" == subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
