"""Tokens are kept as digests in a private file, and are void as soon as they are revoked."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from plctl.common.base.errors import BusyError, UserError
from plctl.controller.web.access.tokens import TokenStore

_NOW = "2026-11-28T08:00:00Z"


def test_a_token_is_found_until_it_is_revoked(tmp_path: Path) -> None:
    """By another process, too: the file is read again once it has changed."""
    ours, others = TokenStore(tmp_path / "keys"), TokenStore(tmp_path / "keys")
    token = others.add("ada", "operator", _NOW)
    found = ours.find(token)
    assert found is not None
    assert ("ada", "operator", True) == (found.name, found.role, ours.is_good(found))
    assert None is ours.find(token + "x")
    assert None is ours.find("")
    others.revoke("ada")
    assert (None, False) == (ours.find(token), ours.is_good(found))
    assert found != others.find(others.add("ada", "operator", _NOW))


def test_no_token_is_in_the_file(tmp_path: Path) -> None:
    """Only its digest, and nobody else may read even that."""
    store = TokenStore(tmp_path)
    token = store.add("ada", "viewer", _NOW)
    assert len(token) > 43
    assert token not in store.path.read_text()
    assert token.removeprefix("plctl_") not in store.path.read_text()
    assert 0o600 == stat.S_IMODE(store.path.stat().st_mode)
    assert token != TokenStore(tmp_path / "other").add("ada", "viewer", _NOW)


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """A name that is none or is taken, one that has none, a file that others may read or that is none."""
    store = TokenStore(tmp_path)
    store.add("ada", "viewer", _NOW)
    with pytest.raises(UserError, match="is no name for a token"):
        store.add("<img>", "viewer", _NOW)
    with pytest.raises(BusyError, match="ada has a token already"):
        store.add("ada", "operator", _NOW)
    with pytest.raises(UserError, match="'bob' has no token; these have: ada"):
        store.revoke("bob")
    store.path.chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        TokenStore(tmp_path).all()
    store.path.chmod(0o600)
    store.path.write_text('{"tokens": [{"name": "eve", "role": "root"}]}')
    with pytest.raises(UserError, match="is no file of tokens"):
        TokenStore(tmp_path).all()
