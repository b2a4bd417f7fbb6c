"""A mistake on the command line reads like every other error, and says what was probably meant."""

import pytest
from click.testing import CliRunner

from plctl.common.cli.root_command import root


@pytest.mark.parametrize(
    ("line", "first", "last"),
    [
        ("rnu", "there is no command rnu; did you mean run?", "plctl --help tells more"),
        ("zzz", "there is no command zzz", "plctl --help tells more"),
        ("--vresion", "there is no option --vresion; did you mean --version?", "plctl --help tells more"),
        ("link strat", "there is no command strat; did you mean start?", "plctl link --help tells more"),
        ("run --duraton 1s", "there is no option --duraton; did you mean --duration?", "plctl run --help tells more"),
        ("run --duration", "Option '--duration' requires an argument", "plctl run --help tells more"),
        ("run", "Missing argument 'SPEC|SCENARIO|RUN'", "plctl run --help tells more"),
        ("runs --limit x", "Invalid value for '--limit': 'x' is not a whole number", "plctl runs --help tells more"),
        ("controller grant eve --role viwer",
         "Invalid value for '--role': 'viwer' is not one of 'operator', 'viewer'; did you mean viewer?",
         "plctl controller grant --help tells more"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence(line: str, first: str, last: str) -> None:
    """One spelling of the word error, what is wrong, the nearest legal word, and where to read on; exit status 2."""
    result = CliRunner().invoke(root, line.split())
    lines = result.stderr.splitlines()
    assert (2, "", f"error: {first}", f"  {last}") == (result.exit_code, result.stdout, lines[0], lines[-1])
    assert all(line.startswith("  ") for line in lines[1:])
