"""Calls roc-validator with the context of RO-Crates from a file, so that nobody is asked over the network.

Run by the Python of an environment that has roc-validator, not by that of the tests: validate.py CONTEXT ARGUMENT…
"""

from __future__ import annotations

import io
import sys
import urllib.request
from email.message import Message
from pathlib import Path
from urllib.response import addinfourl


class _Context(urllib.request.HTTPSHandler):
    """Answers whoever asks for a context of RO-Crates; nothing else is reachable."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self._text = text

    def https_open(self, request: urllib.request.Request) -> addinfourl:
        """The file, whichever version is asked for."""
        _require_context(request.full_url)
        headers = Message()
        headers["Content-Type"] = "application/ld+json"
        answer = addinfourl(io.BytesIO(self._text), headers, request.full_url, 200)
        answer.msg = "OK"  # urllib asks for it, as http.client's answers have it
        return answer


def _require_context(url: str) -> None:
    if not url.startswith("https://w3id.org/ro/crate/"):
        raise OSError(f"{url} is not asked for over the network")


def _answer_requests(text: bytes) -> None:
    """What `_Context` does, for whoever uses `requests`."""
    import requests  # noqa: PLC0415  # only where the validator is

    def send(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        _require_context(str(request.url))
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = io.BytesIO(text)
        return answer

    requests.adapters.HTTPAdapter.send = send


if __name__ == "__main__":
    context = Path(sys.argv[1]).read_bytes()
    urllib.request.install_opener(urllib.request.build_opener(_Context(context)))
    _answer_requests(context)
    from rocrate_validator.cli import cli

    sys.argv[1:] = sys.argv[2:]
    cli()
