"""Tokens by which people, and Prometheus, are known to the page's server: kept as digests, void as soon as revoked.

A token is 256 random bits, so its SHA-256 is enough: there is no word in it that could be guessed. The file is read
anew whenever it has changed, so that a revoked token is void with the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plctl.common.base.errors import BusyError, ProtocolError, UserError
from plctl.common.base.names import is_name, name_rule
from plctl.common.base.private_file import locked, read_private, write_private
from plctl.common.protocol.wire import from_plain, to_plain

#: What its holder may do: look, or also end runs.
WebRole = Literal["viewer", "operator"]
TOKENS_NAME = "web-tokens.json"
#: Begins every token, so that a search for secrets finds one that was left somewhere.
_PREFIX = "plctl_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class WebToken:
    """One token as it is kept."""

    name: str  #: of its holder
    role: WebRole
    sha256: str  #: of the token, in hexadecimal digits
    created_utc: str


@dataclass(frozen=True, slots=True)
class _TokenFile:
    tokens: tuple[WebToken, ...] = ()


class TokenStore:
    """The tokens in a folder that only its owner may read."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / TOKENS_NAME
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: tuple[WebToken, ...] = ()

    def all(self) -> tuple[WebToken, ...]:
        """Those that are good now, by name.

        :raises UserError: the file is not private, or none of ours.
        """
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._tokens = None, ()
            return ()
        stamp = facts.st_mtime_ns, facts.st_size, facts.st_ino
        if stamp != self._stamp:
            self._tokens, self._stamp = self._read(), stamp
        return self._tokens

    def find(self, token: str) -> WebToken | None:
        """The entry of `token`, if it is good; looking takes as long whichever it is."""
        digest, found = _digest(token), None
        for each in self.all():
            if hmac.compare_digest(each.sha256, digest):
                found = each
        return found

    def is_good(self, entry: WebToken) -> bool:
        """Whether what was `find`'s answer still is."""
        return entry in self.all()

    def add(self, name: str, role: WebRole, now_utc: str) -> str:
        """A new token for `name`, which is in no file.

        :raises UserError: that is no name.
        :raises BusyError: there is one of that name.
        """
        if not is_name(name):
            raise UserError(f"{name!r:.80} is no name for a token; write {name_rule()}")
        with locked(self.path.parent):
            known = self._read()
            if any(each.name == name for each in known):
                raise BusyError(f"{name} has a token already; to make another: plctl controller token revoke {name}")
            token = _PREFIX + secrets.token_urlsafe(_BYTES)
            self._write((*known, WebToken(name, role, _digest(token), now_utc)))
        return token

    def revoke(self, name: str) -> None:
        """The token of `name` is void.

        :raises UserError: there is none.
        """
        with locked(self.path.parent):
            known = self._read()
            left = tuple(each for each in known if each.name != name)
            if len(left) == len(known):
                names = ", ".join(each.name for each in known) or "nobody"
                raise UserError(f"{name!r:.80} has no token; these have: {names}")
            self._write(left)

    def _read(self) -> tuple[WebToken, ...]:
        try:
            return from_plain(_TokenFile, json.loads(read_private(self.path)), "tokens").tokens
        except FileNotFoundError:
            return ()
        except (ValueError, ProtocolError) as error:
            raise UserError(f"{self.path} is no file of tokens: {error}") from None

    def _write(self, tokens: tuple[WebToken, ...]) -> None:
        ordered = tuple(sorted(tokens, key=lambda each: each.name))
        write_private(self.path, json.dumps(to_plain(_TokenFile(ordered)), indent=1) + "\n")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
