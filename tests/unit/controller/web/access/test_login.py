"""Beyond this machine the page speaks TLS and asks for a token, whose role and end it keeps to at once."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.web.served import served_source
from support.web.simulated import SimulatedController, request, simulated_controller
from support.web.web_client import WebClient

from plctl.common.base.errors import UserError
from plctl.controller.web.access.gate import COOKIE
from plctl.controller.web.access.tls import own_certificate
from plctl.controller.web.access.tokens import TokenStore, WebRole
from plctl.controller.web.opening import WebWish, open_web
from plctl.controller.web.routes import API, ROUTES
from plctl.controller.web.sources.controller_source import ControllerSource

_NOW = "2026-11-28T08:00:00Z"


@asynccontextmanager
async def guarded(folder: Path) -> AsyncIterator[tuple[WebClient, SimulatedController, TokenStore]]:
    """A controller whose page asks for tokens; there is one, of an operator called ada."""
    store = TokenStore(folder / "keys")
    (folder / "ada").write_text(store.add("ada", "operator", _NOW))
    async with (
        simulated_controller(folder / "runs") as site,
        served_source(ControllerSource(site.controller, "here"), folder / "keys", login=True) as client,
    ):
        yield client, site, store


async def logged_in(client: WebClient, store: TokenStore, name: str, role: WebRole) -> WebClient:
    """A client with the cookie of `name`, and what /session said."""
    reply = await client.post(f"{API}/login", {"token": store.add(name, role, _NOW)})
    assert 200 == reply.status, reply.body
    cookie = reply.headers["set-cookie"].split(";")[0]
    return WebClient(client.url, {"Cookie": cookie, "X-CSRF": reply.document["csrf"]}, client.tls)


async def test_without_a_token_there_is_nothing_to_see(tmp_path: Path) -> None:
    """Of every route but the few that are for anybody; a page that does not know it may ask whether it is logged in."""
    async with guarded(tmp_path) as (client, _, _):
        for route in ROUTES:
            path = route.address.replace(":path", "").format(run="r", link="l", workload="w", path="p", name="n")
            reply = await client.ask(route.method, path, {})
            if route.audience == "anybody":
                assert reply.status in (200, 400), path
            else:
                assert (401, "Bearer") == (reply.status, reply.headers["www-authenticate"]), path
        session = (await client.get(f"{API}/session")).document
    assert (None, True, False) == (session["role"], session["login"], session["can_cancel"])


async def test_a_session_is_a_cookie_that_no_script_and_no_other_site_gets(tmp_path: Path) -> None:
    """HttpOnly, Secure, SameSite=Strict, for this host alone; logging out ends it."""
    async with guarded(tmp_path) as (client, _, _):
        reply = await client.post(f"{API}/login", {"token": (tmp_path / "ada").read_text()})
        cookie, *facts = [each.strip() for each in reply.headers["set-cookie"].split(";")]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(facts)
        assert not [each for each in facts if each.startswith("Domain")]
        ada = WebClient(client.url, {"Cookie": cookie}, client.tls)
        session = (await ada.get(f"{API}/session")).document
        assert ("operator", "ada") == (session["role"], session["name"])
        assert 403 == (await ada.post(f"{API}/logout")).status
        assert 200 == (await ada.post(f"{API}/logout", X_CSRF=reply.document["csrf"])).status
        assert 401 == (await ada.get(f"{API}/runs")).status


async def test_a_viewer_may_look_and_not_cancel(tmp_path: Path) -> None:
    """An operator may, with the session's own word, or by showing the token itself."""
    async with guarded(tmp_path) as (client, site, store):
        vic = await logged_in(client, store, "vic", "viewer")
        eve = await logged_in(client, store, "eve", "operator")
        run = await site.submit(request(60, "a"))
        assert run == (await vic.get(f"{API}/runs")).document["runs"][0]["run"]
        refused = await vic.post(f"{API}/runs/{run}/cancel")
        assert (403, "vic is a viewer, who may look but change nothing") == (refused.status, refused.document["error"])
        wrong = await eve.post(f"{API}/runs/{run}/cancel", X_CSRF=vic.headers["X-CSRF"])
        assert 403 == wrong.status
        bearer = WebClient(client.url, {"Authorization": f"Bearer {(tmp_path / 'ada').read_text()}"}, client.tls)
        assert 202 == (await bearer.post(f"{API}/runs/{run}/cancel")).status
        await site.over(run)
        assert "asked for on the page (ada)" in (tmp_path / "runs" / run / "events.jsonl").read_text()


async def test_a_revoked_token_ends_sessions_and_streams(tmp_path: Path) -> None:
    """The next request, and the stream that is open, learn nothing more."""
    async with guarded(tmp_path) as (client, _, store):
        vic = await logged_in(client, store, "vic", "viewer")
        async with vic.stream(f"{API}/stream") as events:
            assert "ping" == (await anext(events))[0]
            store.revoke("vic")
            assert 401 == (await vic.get(f"{API}/runs")).status
            left = [name async for name, _ in events]
        assert "ping" not in left


async def test_guesses_are_counted(tmp_path: Path) -> None:
    """By login and by header alike; then even a right token must wait, and is told how long."""
    async with guarded(tmp_path) as (client, _, _):
        for number in range(5):
            if number % 2:
                reply = await client.post(f"{API}/login", {"token": "plctl_guess"})
            else:
                reply = await client.get(f"{API}/runs", Authorization="Bearer plctl_guess")
            assert 401 == reply.status
        reply = await client.post(f"{API}/login", {"token": (tmp_path / "ada").read_text()})
    assert (429, True) == (reply.status, int(reply.headers["retry-after"]) >= 1)


async def test_plain_http_is_not_answered(tmp_path: Path) -> None:
    """Where TLS is spoken."""
    async with guarded(tmp_path) as (client, _, _):
        plain = WebClient(client.url)
        with pytest.raises((IndexError, ConnectionError)):
            await plain.get(f"{API}/session")


def test_nobody_can_be_let_in_without_a_token(tmp_path: Path) -> None:
    """An address beyond this machine is refused until there is one: the message says how to make it."""
    for address in ("0.0.0.0:0", "[::]:0"):
        with pytest.raises(UserError, match="plctl controller token add NAME --role viewer"):
            open_web(WebWish(address, tmp_path))


def test_its_certificate_is_made_once(tmp_path: Path) -> None:
    """And again only for names that it lacks; its key is private, and its fingerprint that of the file."""
    first = own_certificate(tmp_path, "192.0.2.1")
    assert first == own_certificate(tmp_path, "192.0.2.1")
    assert 0o600 == first.key.stat().st_mode & 0o777
    ssl.create_default_context().load_verify_locations(first.certificate)
    assert first.fingerprint != own_certificate(tmp_path, "192.0.2.2").fingerprint


def test_a_given_certificate_must_fit_its_key(tmp_path: Path) -> None:
    """A sentence names both files."""
    ours, others = own_certificate(tmp_path / "a", "a"), own_certificate(tmp_path / "b", "b")
    for pair in ((ours.certificate, others.key), (tmp_path / "none", ours.key), (ours.key, ours.key)):
        with pytest.raises(UserError, match=f"cannot use {pair[0]} with {pair[1]} for TLS: "):
            open_web(WebWish("127.0.0.1:0", tmp_path, pair))
    with open_web(WebWish("127.0.0.1:0", tmp_path, (ours.certificate, ours.key))).listening:
        assert json.dumps(ours.fingerprint)
