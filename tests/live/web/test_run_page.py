"""The page of a run on this machine shows real links as they go on, and ends the run when an operator asks for it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.web.web_client import WebClient

from plctl.controller.web.routes import API

_RUN = [sys.executable, "-m", "plctl.common", "run", "--json", "--local", "--no-report", "--http", "127.0.0.1:0"]
_SPEC = """
name: seen
duration: 60s
links:
  - name: leo
    scenario: leo.csv
    workload:
      - {at: client, command: ping -i 0.02 '{server}', start: 0s}
"""
_PATIENCE_S = 60


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, WebClient]]:
    """A run of a minute, and a client of its page."""
    (folder / "leo.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,10\n")
    (folder / "seen.yaml").write_text(_SPEC)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*_RUN, "seen.yaml", cwd=folder, stdout=pipe, stderr=pipe)
    assert process.stderr
    try:
        async with asyncio.timeout(_PATIENCE_S):
            line = await process.stderr.readline()
        found = re.fullmatch(rb"page: (http://\S+/)\n", line)
        assert found, line
        yield process, WebClient(found[1].decode())
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def test_a_run_is_seen_and_ended(tmp_path: Path) -> None:
    """Its link moves, its program is heard; cancelling ends it in good order, with who asked for that."""
    async with running(tmp_path) as (process, client):
        session = (await client.get(f"{API}/session")).document
        run = (await client.get(f"{API}/runs")).document["runs"][0]["run"]
        delays_ns: list[float] = []
        state: Any = None
        output: Any = None
        async with client.stream(f"{API}/runs/{run}/stream?links=leo") as events:
            async for name, document in events:
                if name == "sample":
                    delays_ns += [each for each in document["up"]["transit_p50_ns"] if each]
                if name == "state":
                    state = document
                if len(delays_ns) >= 5 and output is None:
                    output = (await client.get(f"{API}/runs/{run}/output/leo/client")).document
                    reply = await client.post(f"{API}/runs/{run}/cancel", X_CSRF=session["csrf"])
                    assert 202 == reply.status, reply.body
                if name == "end":
                    break
        stdout, _ = await process.communicate()
    assert ("run", "operator", True) == (session["source"], session["role"], session["can_cancel"])
    assert all(10e6 <= each < 60e6 for each in delays_ns)
    assert "bytes from" in output["text"]
    assert "cancelled" == state["info"]["verdict"] == json.loads(stdout)["verdict"]
    assert "asked for on the page (this machine)" in (tmp_path / "runs" / run / "events.jsonl").read_text()
