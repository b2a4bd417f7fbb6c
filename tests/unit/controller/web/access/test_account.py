"""On loopback the kernel says whose a connection is: the serving account needs no token, another one does."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.web.simulated import simulated_controller

from plctl.controller.web.access.account import account_of, trusted_accounts
from plctl.controller.web.access.tokens import TokenStore
from plctl.controller.web.opening import WebWish, open_web
from plctl.controller.web.routes import API
from plctl.controller.web.server import serving
from plctl.controller.web.sources.controller_source import ControllerSource

_OTHER = 65534


@contextmanager
def connected(family: socket.AddressFamily, host: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection of this process with itself: who asks, and who serves."""
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as ask,
    ):
        served, _ = server.accept()
        with served:
            yield ask, served


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_is_its_processs_accounts(family: socket.AddressFamily, host: str) -> None:
    """By either protocol; an end that was closed is nobody's, though the kernel shows it as root's."""
    with connected(family, host) as (ask, served):
        theirs, ours = served.getpeername()[:2], served.getsockname()[:2]
        assert os.geteuid() == account_of(theirs, ours)
        ask.close()
        assert account_of(theirs, ours) is None


def test_what_is_no_connection_of_this_machine_is_nobodys() -> None:
    """Neither a stranger's address, nor a name, nor a port that nothing has."""
    for theirs in (("192.0.2.1", 9), ("testclient", 50000), ("127.0.0.1", 1), ("::1", 1)):
        assert account_of(theirs, ("127.0.0.1", 1)) is None


def test_who_called_sudo_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is served as root then, and looked at by the user."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1234")
    assert {0, 1234} == trusted_accounts()


@pytest.mark.needs_root
async def test_another_account_of_the_machine_needs_a_token(tmp_path: Path) -> None:
    """It sees nothing and changes nothing without; with one it may what that says, also by a plain cookie."""
    token = TokenStore(tmp_path / "keys").add("vic", "viewer", "2026-11-28T08:00:00Z")
    options = open_web(WebWish("127.0.0.1:0", tmp_path / "keys"))
    async with simulated_controller(tmp_path / "runs") as site:
        with options.listening:
            async with serving(ControllerSource(site.controller, "here"), options):
                port = options.listening.getsockname()[1]
                for method, path in (("GET", "/runs"), ("POST", "/runs/r/cancel"), ("GET", "/stream")):
                    assert 401 == (await _asked(port, method, f"{API}{path}"))[0]
                assert 200 == (await _asked(port, "GET", f"{API}/runs", account=0))[0]
                assert 200 == (await _asked(port, "GET", f"{API}/runs", f"Authorization: Bearer {token}"))[0]
                status, answer = await _asked(port, "POST", f"{API}/login", body=json.dumps({"token": token}))
                assert 200 == status
                assert f"plctl-{port}=" in answer
                cookie = answer.partition("set-cookie: ")[2].partition(";")[0]
                assert 200 == (await _asked(port, "GET", f"{API}/runs", f"Cookie: {cookie}"))[0]
                csrf = json.loads(answer.partition("\r\n\r\n")[2])["csrf"]
                headers = f"Cookie: {cookie}\r\nX-CSRF: {csrf}"
                assert 403 == (await _asked(port, "POST", f"{API}/runs/r/cancel", headers))[0]


async def _asked(
    port: int, method: str, path: str, headers: str = "", *, body: str = "", account: int = _OTHER
) -> tuple[int, str]:
    """Status and text of the answer to a request by a socket of `account`."""
    with socket.create_connection(("127.0.0.1", port)) as asking:
        os.fchown(asking.fileno(), account, -1)
        reader, writer = await asyncio.open_connection(sock=asking.dup())
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
        lines += [headers] * bool(headers) + [f"Content-Length: {len(body)}", "", body]
        writer.write("\r\n".join(lines).encode())
        answer = (await reader.read()).decode()
        writer.close()
        return int(answer.split()[1]), answer
