"""The page of a study on this machine shows its run as it goes on, and ends the study when an operator asks for it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from support.studies.tiny_study import TinyStudy, verdicts
from support.web.web_client import WebClient

from plctl.controller.web.routes import API

_PATIENCE_S = 60


async def test_a_study_is_seen_and_ended(state: Path, tmp_path: Path) -> None:  # noqa: ARG001
    """Its run moves, its progress says what runs; cancelling ends it in good order, and says who asked for that."""
    study = TinyStudy(tmp_path)
    base = (tmp_path / "base.yaml").read_text()
    (tmp_path / "base.yaml").write_text(base.replace("300ms", "60s").replace("-c 5", "-w 60"))
    command = study.command("run", "--quiet", "--http", "127.0.0.1:0")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    assert process.stderr
    try:
        async with asyncio.timeout(_PATIENCE_S):
            line = await process.stderr.readline()
            found = re.fullmatch(rb"page: (http://\S+/)#/studies/tiny\n", line)
            assert found, line
            client = WebClient(found[1].decode())
            session = (await client.get(f"{API}/session")).document
            run = ""
            async with client.stream(f"{API}/stream") as events:
                async for name, document in events:
                    if name == "studies" and document and document[0]["counts"]["running"]:
                        (run,) = (each["run"] for each in (await client.get(f"{API}/runs")).document["runs"])
                        break
            moved = 0
            async with client.stream(f"{API}/runs/{run}/stream?links=leo") as events:
                async for name, document in events:
                    moved += sum(bytes_ > 0 for bytes_ in document["up"]["carried_bps"]) if name == "sample" else 0
                    if moved:
                        break
            refused = await client.post(f"{API}/studies/tiny/cancel", X_CSRF="another")
            reply = await client.post(f"{API}/studies/tiny/cancel", X_CSRF=session["csrf"])
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert ("study", True) == (session["source"], session["can_cancel"])
    assert (403, 202) == (refused.status, reply.status), reply.body
    assert 130 == process.returncode
    assert [["cancelled"]] == [verdicts(runs) for runs in study.attempts().values()]
    assert "the page (this machine)" in (study.folder / "journal.jsonl").read_text()
