"""The options of commands that serve the page, and what they come to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plctl.common.base.errors import UserError
from plctl.common.cli.extra import needs_extra

if TYPE_CHECKING:
    from plctl.controller.web.server import WebOptions

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class WebOrder:
    """What the command line says of the page; an empty address: it is not to be served."""

    address: str = ""
    certificate: Path | None = None
    key: Path | None = None
    login: bool = False


def web_options(default: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of the page; it gets them as one keyword argument, `web`.

    :param default: where the page is served unless something else is said; empty: nowhere.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_options(
            *args: Any, http: str | None, tls_cert: Path | None, tls_key: Path | None, login: bool, **others: Any
        ) -> Any:
            order = WebOrder(default if http is None else http, tls_cert, tls_key, login)
            return command(*args, web=order, **others)

        where = f" [default: {default}]" if default else ""
        options = (
            click.option("--http", metavar="ADDRESS",
                         help="Serve the live page at HOST:PORT; port 0 is any that is free. Beyond this machine it "
                              f"takes TLS and a token; see plctl controller token.{where}"),
            click.option("--tls-cert", type=_FILE, help="The page's certificate, PEM; default: one of its own, whose "
                                                        "fingerprint is printed."),
            click.option("--tls-key", type=_FILE, help="The key of that certificate, PEM."),
            click.option("--login", is_flag=True, help="Ask for a token on this machine, too; takes TLS."),
        )  # fmt: skip
        for option in reversed(options):
            with_options = option(with_options)
        return with_options

    return decorate


@contextmanager
def opened_web(order: WebOrder, keys: Path | None, what: str) -> Iterator[WebOptions | None]:
    """The page's server as `order` has it, listening but not yet serving; None if there is to be none.

    :param keys: the folder with tokens and certificate; None: where keys are.
    :param what: the command, for messages.
    :raises UserError: a package is missing, the order makes no sense, or nobody could log in.
    :raises KernelError: the address cannot be listened on.
    """
    if not order.address:
        if order != WebOrder():
            raise UserError("--tls-cert, --tls-key and --login are for a page that is served; see --http")
        yield None
        return
    with needs_extra(what, "web"):
        from plctl.controller.web.opening import WebWish, open_web
    from plctl.common.security.keys import keys_dir

    if (order.certificate is None) != (order.key is None):
        raise UserError("--tls-cert and --tls-key go together")
    pair = (order.certificate, order.key) if order.certificate and order.key else None
    options = open_web(WebWish(order.address, keys or keys_dir(), pair, order.login))
    with options.listening:
        yield options
