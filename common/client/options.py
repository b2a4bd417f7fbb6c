"""The options of every command that speaks to a controller."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from plctl.common.cli.terminal import echo

if TYPE_CHECKING:
    from plctl.common.client.config import ControllerAccess
    from plctl.common.client.controller_client import Client

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """What the command line says of the controller; the rest is for `plctl.common.client.config` to find."""

    address: str | None = None
    keys: Path | None = None
    local: bool = False  #: there shall be none

    def find(self) -> ControllerAccess | None:
        """How to reach the controller; None if there is none, or shall be none.

        :raises UserError: what says where it is cannot be used, or there is no key.
        """
        from plctl.common.client.config import find_controller  # noqa: PLC0415  (ZeroMQ would slow down --help)

        return None if self.local else find_controller(self.address, self.keys)

    def ask(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """What `work` makes of a conversation with the controller, which there must be.

        :raises UserError: there is none, or as `find`.
        :raises WorldError: it cannot be reached.
        """
        from plctl.common.client.config import require_controller  # noqa: PLC0415

        return converse(require_controller(self.address, self.keys), work)


def converse(access: ControllerAccess, work: Callable[[Client], Awaitable[T]]) -> T:
    """What `work` makes of a conversation with the controller of `access`; a lost connection is told on stderr.

    :raises WorldError: it cannot be reached.
    """
    import asyncio  # noqa: PLC0415  # a command without a controller begins sooner without it

    from plctl.common.client.controller_client import connect  # noqa: PLC0415

    async def speak() -> T:
        async with connect(access, lambda sentence: echo(sentence, err=True)) as client:
            return await work(client)

    return asyncio.run(speak())


def controller_options(local: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options that lead to a controller; it gets them as one keyword argument, `reach`.

    :param local: help of the flag --local, for commands that can do without a controller; empty for those that cannot.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_options(
            *args: Any, controller: str | None, keys: Path | None, local: bool = False, **others: Any
        ) -> Any:
            return command(*args, reach=Reach(controller, keys, local), **others)

        for option in reversed([*_OPTIONS, *([click.option("--local", is_flag=True, help=local)] if local else [])]):
            with_options = option(with_options)
        return with_options

    return decorate


_OPTIONS = (
    click.option("--controller", metavar="ADDRESS",
                 help="tcp://HOST:PORT; default: $PLCTL_CONTROLLER, or as ~/.config/plctl/config.toml says."),
    click.option("--keys", type=click.Path(path_type=Path, file_okay=False),
                 help="The folder of your keys; default: $PLCTL_KEYS, as that file says, ~/.config/plctl, or for root "
                      "/etc/plctl."),
)  # fmt: skip
