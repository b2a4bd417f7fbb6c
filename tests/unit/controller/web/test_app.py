"""The API over folders gives the documents of the commands, and refuses all else with a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.synthetic_run import RUN, make_run
from support.web.served import served

from plctl.controller.results.run_folder import complete
from plctl.controller.web.routes import API, ROUTES

_API_RUN = f"{API}/runs/{RUN}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that is over, and what a program of it has printed."""
    base = tmp_path_factory.mktemp("runs")
    folder = make_run(base, artifacts={"client.stdout": b"hello\n"}, overloaded="leo-0")
    folder.close()
    complete(folder.path)
    (folder.path / "report.html").write_text("<script>alert(1)</script>")
    (base / "secret").write_text("no")
    (folder.path / "out").symlink_to(base / "secret")
    return base


def command(base: Path, *arguments: str) -> Any:
    """What a command prints with --json."""
    line = [sys.executable, "-m", "plctl.common", *arguments, "--json", "--local", "--out", str(base)]
    return json.loads(subprocess.run(line, capture_output=True, text=True, check=False, timeout=60).stdout)


async def test_documents_are_those_of_the_commands(runs: Path) -> None:
    """Whoever reads the API reads what `plctl … --json` prints."""
    async with served(runs) as client:
        assert command(runs, "runs") == (await client.get(f"{API}/runs")).document
        assert command(runs, "show", RUN) == (await client.get(_API_RUN)).document
        why = (await client.get(f"{_API_RUN}/why?link=leo-0")).document
        assert command(runs, "why", "leo-0", "--run", RUN) == {k: v for k, v in why.items() if k != "lines"}
        events = (await client.get(f"{_API_RUN}/events")).document["events"]
        plain = [{k: v for k, v in each.items() if k not in ("text", "after_t0_s")} for each in events]
        assert command(runs, "events", RUN) == plain


async def test_a_link_is_asked_beside_measured(runs: Path) -> None:
    """Both directions: steps of the schedule, and columns of one length whose sums do not depend on the points."""
    async with served(runs) as client:
        few, all_ = [(await client.get(f"{_API_RUN}/links/leo-0?points={n}")).document for n in (10, 1000)]
    assert [0, 2.2, 4.6, 8, 10, 12] == all_["up"]["asked"]["t_s"]
    assert [[4.6, 1], [10, 2], [12, 1]] == all_["up"]["asked"]["routes"]
    assert [10, 140] == [len(each["up"]["measured"]["end_s"]) for each in (few, all_)]
    assert [7, 7] == [sum(each["up"]["measured"]["lost"]) for each in (few, all_)]
    for name in ("lateness_max_ns", "queue_bytes", "transit_p99_ns"):
        assert max(all_["up"]["measured"][name]) == max(few["up"]["measured"][name])


@pytest.mark.parametrize(("begin", "end"), [("2", "3"), ("2.0", "3e0"), ("0.2E+1", "30e-1")])
async def test_a_part_of_a_link_can_be_asked_for(runs: Path, begin: str, end: str) -> None:
    """from_s and to_s bound what was measured, in seconds after T0, as JSON writes numbers."""
    async with served(runs) as client:
        up = (await client.get(f"{_API_RUN}/links/leo-0?from_s={begin.replace('+', '%2B')}&to_s={end}")).document["up"]
    assert (2.0, 3.0) == (min(up["measured"]["end_s"]), max(up["measured"]["end_s"]))


async def test_a_finished_run_streams_all_of_it_and_ends(runs: Path) -> None:
    """State, rows and log come once, then the end; a page that comes late misses nothing."""
    async with served(runs) as client, client.stream(f"{_API_RUN}/stream?links=leo-0") as events:
        found = [(name, document) async for name, document in events]
    assert ["state", "ping", "matrix", "event", "end"] == [name for name, _ in found]
    named = dict(found)
    assert "overloaded" == named["state"]["info"]["verdict"] == named["matrix"]["links"][0]["verdict"]
    assert named["matrix"]["links"][0]["lost"] > 0
    assert "run.accepted" == named["event"]["events"][0]["event"]


async def test_the_overview_streams_the_lists(runs: Path) -> None:
    """Agents, runs and studies as the single questions have them."""
    async with served(runs) as client:
        wanted = {name: (await client.get(f"{API}/{name}")).document for name in ("agents", "runs", "studies")}
        found = {}
        async with client.stream(f"{API}/stream") as events:
            async for name, document in events:
                found[name] = document
                if found.keys() >= wanted.keys():
                    break
    assert wanted == {name: found[name] for name in wanted}


async def test_output_is_read_from_where_one_was(runs: Path) -> None:
    """`next` of one answer is the offset of the next question."""
    async with served(runs) as client:
        whole = (await client.get(f"{_API_RUN}/output/leo-0/client")).document
        rest = (await client.get(f"{_API_RUN}/output/leo-0/client?offset=2")).document
        end = (await client.get(f"{_API_RUN}/output/leo-0/client?offset={whole['next']}")).document
        none = (await client.get(f"{_API_RUN}/output/leo-0/client?stream=stderr")).document
    assert {"text": "hello\n", "offset": 0, "next": 6, "ended": True} == whole
    assert ("llo\n", "", "") == (rest["text"], end["text"], none["text"])


async def test_files_are_downloads_and_the_report_is_sandboxed(runs: Path) -> None:
    """Nothing that lies in a run's folder can run in the page's name."""
    async with served(runs) as client:
        listed = [each["path"] for each in (await client.get(f"{_API_RUN}/files")).document]
        assert "report.html" in listed
        assert "out" not in listed
        record = await client.get(f"{_API_RUN}/files/run.json")
        report = await client.get(f"{_API_RUN}/files/report.html")
    assert (runs / RUN / "run.json").read_bytes() == record.body
    assert "attachment; filename*=UTF-8''run.json" == record.headers["content-disposition"]
    for each in (record, report):
        assert each.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert "nosniff" == each.headers["x-content-type-options"]
    assert "inline" == report.headers["content-disposition"]


@pytest.mark.parametrize(
    "path",
    [
        f"{_API_RUN}/files/../../secret", f"{_API_RUN}/files/..%2f..%2fsecret", f"{_API_RUN}/files/out",
        f"{_API_RUN}/files//etc/passwd", f"{_API_RUN}/files/.", f"{_API_RUN}/files/artifacts",
        f"{API}/runs/..", f"{API}/runs/.%2e/files/secret", f"{API}/runs/secret", f"{API}/runs/%2e%2e%2fetc",
        f"{_API_RUN}/links/no", f"{_API_RUN}/why?link=%3Cimg%20onerror%3E", f"{_API_RUN}/output/..%2f/client",
        f"{API}/studies/..", f"{API}/nothing", "/static/../app.py", "/static/%2e%2e/__init__.py", "/etc/passwd",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_found(runs: Path, path: str) -> None:
    """No path leads out of a run's folder, also not through a link; the answer is a sentence, not a page."""
    async with served(runs) as client:
        reply = await client.get(path)
    assert 404 == reply.status
    assert reply.document["error"]
    assert "application/json" == reply.headers["content-type"]


@pytest.mark.parametrize(
    "query",
    ["points=0", "points=1e9", "points=", "points=-1", "from_s=nan", "to_s=1e400", "from_s=1;drop", "points=%D9%A3"],
)
async def test_a_parameter_out_of_its_range_is_refused(runs: Path, query: str) -> None:
    """400, with the parameter and what is legal."""
    async with served(runs) as client:
        reply = await client.get(f"{_API_RUN}/links/leo-0?{query}")
    assert 400 == reply.status
    assert query.partition("=")[0] in reply.document["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421), ({"Host": "127.0.0.1.evil.example:80"}, 421), ({"Host": "a b"}, 400),
        ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403), ({"Host": "localhost:9"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)  # fmt: skip
async def test_other_sites_pages_learn_nothing(runs: Path, headers: dict[str, str], status: int) -> None:
    """Neither by a name that was made to lead here, nor by asking from elsewhere."""
    async with served(runs) as client:
        assert status == (await client.get(f"{API}/runs", **headers)).status


async def test_every_answer_says_what_a_browser_may_do_with_it(runs: Path) -> None:
    """Also a refusal."""
    async with served(runs) as client:
        for path in ("/", "/static/js/app.js", f"{API}/runs", f"{API}/nothing", "/healthz"):
            headers = (await client.get(path)).headers
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src"), (
                path
            )
            assert ("nosniff", "no-referrer") == (headers["x-content-type-options"], headers["referrer-policy"])


async def test_methods_that_are_none_of_ours_are_refused(runs: Path) -> None:
    """So are bodies that are longer than any of ours."""
    async with served(runs) as client:
        refused = [await client.ask("DELETE", _API_RUN, {}), await client.post(f"{API}/runs")]
        assert [405, 405] == [each.status for each in refused]
        assert all("GET" in each.headers["allow"] for each in refused)
        assert 400 == (await client.post(f"{API}/login", "x" * 5000)).status
        assert 400 == (await client.post(f"{API}/login", [1])).status


async def test_folders_cannot_be_cancelled(runs: Path) -> None:
    """Not without what /session said, and then with the reason."""
    async with served(runs) as client:
        csrf = (await client.get(f"{API}/session")).document["csrf"]
        assert 403 == (await client.post(f"{_API_RUN}/cancel")).status
        assert 403 == (await client.post(f"{_API_RUN}/cancel", X_CSRF="guess")).status
        refused = await client.post(f"{_API_RUN}/cancel", X_CSRF=csrf)
    assert 409 == refused.status
    assert "only looked at" in refused.document["error"]


async def test_the_openapi_document_has_every_route(runs: Path) -> None:
    """It is made from the table that the server is made from."""
    async with served(runs) as client:
        paths = (await client.get(f"{API}/openapi.json")).document["paths"]
    assert len(ROUTES) == sum(map(len, paths.values()))
    assert "/api/v1/runs/{run}/files/{path}" in paths
