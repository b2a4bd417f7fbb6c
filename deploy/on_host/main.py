"""The end of the ssh connection on the host: does one thing that it is asked for and answers with one JSON document."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from plctl.deploy.on_host import change, examine, look, service
from plctl.deploy.on_host.places import HostError, Places, RunGoesOnError, link


def main() -> None:
    """Read the request, a line of JSON, from standard input; a payload may follow. See `answer`."""
    request = json.loads(sys.stdin.buffer.readline())
    print(json.dumps(answer(request, sys.stdin.buffer)))


def answer(request: dict[str, Any], payload: BinaryIO) -> dict[str, Any]:
    """What `request` brings: ``{"ok": …}`` or, if the host is to blame, ``{"error": sentence}``, with ``"busy": true``
    if nothing was changed because of a run.

    A request is ``{"do": word, "root": folder, …}``, the rest being the word's arguments.
    """
    words = dict(request)
    places = Places(words.pop("root", "/"))
    try:
        return {"ok": _WORK[words.pop("do")](places, payload, **words)}
    except HostError as error:
        return {"error": str(error), "busy": isinstance(error, RunGoesOnError)}
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return {"error": f"{where}{os.strerror(error.errno) if error.errno else error}"}


def _remove(places: Places, _: BinaryIO, *, busy_too: bool) -> list[str]:
    service.stop(places, busy_too=busy_too, disable=True)
    service.clean(places)
    left = change.remove_all(places)
    service.forget()
    return left


def _switch(places: Places, _: BinaryIO, *, bundle: str) -> None:
    """Lead the way back to the version before, with the service at rest."""
    service.stop(places, busy_too=True, disable=not bundle)
    link(places.current, bundle)


def _set_unit(places: Places, _: BinaryIO, *, text: str) -> None:
    change.set_unit(places, text)
    service.forget()


_WORK: dict[str, Callable[..., Any]] = {
    "inspect": lambda places, _: look.inspect(places),
    "agents": lambda places, _: look.agents(places),
    "refuse_busy": lambda places, _: service.refuse_busy(places),
    "doctor": lambda places, payload, *, bundled: examine.doctor(places, payload if bundled else None),
    "receive": lambda places, payload, **words: change.receive(places, stream=payload, **words),
    "discard": lambda places, _, **words: change.discard(places, **words),
    "install": lambda places, _, **words: change.install(places, **words),
    "uninstall": lambda places, _, **words: change.uninstall(places, **words),
    "set_keys": lambda places, _, **words: change.set_keys(places, **words),
    "restore_keys": lambda places, _, **words: change.restore_keys(places, **words),
    "set_unit": _set_unit,
    "start": lambda places, _, **words: service.start(places, **words),
    "switch": _switch,
    "finish": lambda places, _, **words: change.finish(places, **words),
    "remove": _remove,
}
