"""The operator at the workstation: carries out orders from standard input, a JSON object a line, answers likewise.

    python -m chaos.programs.user ADDRESS KEYS

    {"number": 1, "what": "submit", "spec": "…"}     → {"number": 1, "run": "…"}
    {"number": 2, "what": "cancel", "run": "…"}      → {"number": 2, "said": "…"}
    {"number": 3, "what": "runs"}                    → {"number": 3, "runs": […]}
    {"number": 4, "what": "agents"}                  → {"number": 4, "agents": […]}

What fails is answered with "error" and "kind", the name of its class. One conversation for all, over the controller's
deaths; orders do not wait for one another.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plctl.common.base.errors import PlctlError
from plctl.common.client.config import ControllerAccess
from plctl.common.client.controller_client import Client, connect
from plctl.common.protocol import requests as rq
from plctl.common.security.keys import SpokeKeys, load_controller_public, load_pair
from plctl.controller.spec.run_spec import load_run

_PATIENCE_S = 25.0


async def _carry_out(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    match order["what"]:
        case "submit":
            submit = rq.Submit(load_run(Path(order["spec"])), report=order["report"])
            return {"run": (await client.ask(submit, rq.Submitted, _PATIENCE_S)).run}
        case "cancel":
            return {
                "said": (await client.ask(rq.Cancel(order["run"], "it is no longer wanted"), rq.Done, _PATIENCE_S)).what
            }
        case "runs":
            return {"runs": [asdict(run) for run in (await client.ask(rq.ListRuns(), rq.Runs, 5)).runs]}
        case _:
            return {"agents": [asdict(agent) for agent in (await client.ask(rq.ListAgents(), rq.Agents, 5)).agents]}


async def _answer(client: Client, order: dict[str, Any]) -> None:
    try:
        said = await _carry_out(client, order)
    except PlctlError as error:
        said = {"error": str(error), "kind": type(error).__name__}
    print(json.dumps({"number": order["number"]} | said), flush=True)


async def _serve(access: ControllerAccess) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    answering = set()
    async with connect(access) as client:
        while line := await reader.readline():
            task = asyncio.create_task(_answer(client, json.loads(line)))
            answering.add(task)
            task.add_done_callback(answering.discard)


def main() -> None:
    """Until the end of standard input."""
    address, keys = sys.argv[1], Path(sys.argv[2])
    pair = SpokeKeys(load_pair(keys, "operator"), load_controller_public(keys))
    asyncio.run(_serve(ControllerAccess(address, pair)))


if __name__ == "__main__":
    main()
