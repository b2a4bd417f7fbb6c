"""A run imports no pandas, whether or not there is one, and nothing else that it has no use for."""

from __future__ import annotations

import subprocess
import sys

from plctl.common.base.keeping_out import parts_only


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


_PARTS = """
import sys
from plctl.common.base.keeping_out import parts_only
parts_only("pyroute2")
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
before = [name in sys.modules for name in ("pyroute2.ndb", "pyroute2.nftables", "pyroute2.iproute")]
from pyroute2 import IPRoute, netlink
print(before, IPRoute.__name__, netlink.rtnl.ifinfmsg.ifinfmsg is ifinfmsg, type(sys.modules["pyroute2"]).__name__)
"""


def test_of_a_package_only_parts_are_imported_until_more_is_wanted() -> None:
    """Whoever asks for what is none of its parts gets the package, with the parts that are there."""
    done = subprocess.run([sys.executable, "-c", _PARTS], capture_output=True, text=True, check=False, timeout=60)
    assert ("[False, False, False] IPRoute True module\n", "") == (done.stdout, done.stderr)


def test_a_package_that_is_there_stays_as_it_is() -> None:
    """Its parts may be in use."""
    before = sys.modules["pytest"]
    parts_only("pytest")
    assert before is sys.modules["pytest"]


def test_a_package_that_is_not_installed_is_none() -> None:
    """Whoever imports it hears so then."""
    parts_only("no_such_package")
    assert "no_such_package" not in sys.modules
