"""Decides how the page is served: to some accounts of this machine as it is, to others only for a token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plctl.common.base.errors import UserError
from plctl.common.base.http_address import parse_http_address
from plctl.controller.web.access.account import trusted_accounts
from plctl.controller.web.access.tls import ServerCertificate, given_certificate, own_certificate
from plctl.controller.web.access.tokens import TokenStore
from plctl.controller.web.listening import listen
from plctl.controller.web.server import WebOptions


@dataclass(frozen=True, slots=True)
class WebWish:
    """What a user wants of the page."""

    address: str
    keys: Path  #: the folder with tokens and with a certificate of its own
    pair: tuple[Path, Path] | None = None  #: a certificate and its key
    login: bool = False  #: on this machine, too


def open_web(wish: WebWish) -> WebOptions:
    """How the page is served, its socket open.

    :raises UserError: the address is none, the certificate cannot be used, or nobody could log in.
    :raises KernelError: the address cannot be listened on.
    """
    address = parse_http_address(wish.address, "the page")
    guarded = wish.login or not address.only_loopback
    store = TokenStore(wish.keys)
    if guarded and not store.all():
        raise UserError(
            f"nobody could log in at {wish.address}, for there is no token in {wish.keys}; make one with: "
            "plctl controller token add NAME --role viewer"
        )
    certificate: ServerCertificate | None = None
    if wish.pair:
        certificate = given_certificate(*wish.pair)
    elif guarded:
        certificate = own_certificate(wish.keys, address.host)
    accounts = frozenset[int]() if guarded else trusted_accounts()
    return WebOptions(address, listen(address), store, accounts, certificate)
