"""How a program ended is told by name, and why by the line that says it."""

import pytest

from plctl.common.base.process_end import how_it_ended, last_lines, signal_name, telling_line

TRACEBACK = """\
Traceback (most recent call last):
  File "x.py", line 3, in <module>
    connect()
ConnectionRefusedError: [Errno 111] Connection refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "x.py", line 5, in <module>
    raise RuntimeError("no server")
RuntimeError: no server
Sentry is attempting to send 2 pending events
Waiting up to 2 seconds
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("one\ntwo\n\n", "two"),
        ("curl: (7) Failed to connect to a port 80\n\n", "curl: (7) Failed to connect to a port 80"),
        ("ping: unrecognized option '--x'\nTry 'ping --help' for more.\n", "ping: unrecognized option '--x'"),
        ("usage: x [-h] FILE\nx: error: the following arguments are required: FILE\n",
         "x: error: the following arguments are required: FILE"),
        ("Usage: ping [options] <destination>\nping: invalid argument: 'x'\n", "ping: invalid argument: 'x'"),
        ("warning: cannot raise priority\niperf3: error - unable to connect to server: Connection refused\nbye\n",
         "iperf3: error - unable to connect to server: Connection refused"),
        ("x.c:1: error: unknown type\nx.c:2: error: so this fails too\n", "x.c:1: error: unknown type"),
        ("  % Total  % Received\rsh: 1: frob: not found\n", "sh: 1: frob: not found"),
        (TRACEBACK, "RuntimeError: no server"),
        ("Traceback (most recent call last):\n  File", ""),
    ],
)  # fmt: skip
def test_the_telling_line(text: str, line: str) -> None:
    """Hints, progress and farewells do not hide what went wrong."""
    assert line == telling_line(text)


def test_signals_have_names() -> None:
    """Nobody has to know that 15 is SIGTERM."""
    assert ["was killed by SIGTERM", "was killed by signal 99", "exited with status 3"] == [
        how_it_ended(status) for status in (-15, -99, 3)
    ]
    assert "SIGKILL" == signal_name(9)


def test_no_sentence_dangles() -> None:
    """Who said nothing is told to have said nothing."""
    assert ["it said nothing", "b / c"] == [last_lines(text, 2) for text in (" \n", "a\nb\n\nc\n")]
