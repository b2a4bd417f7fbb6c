"""The options of the page make sense together, and a package that is missing is told in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from plctl.common.cli.root_command import root


def said(*arguments: str) -> str:
    """What a command that fails says."""
    result = CliRunner().invoke(root, arguments)
    assert 2 == result.exit_code, result.output
    return result.output


def test_a_missing_package_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, whichever it is; nothing was begun."""
    for name in [name for name in sys.modules if name.startswith("plctl.controller.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "needs uvicorn, which is not installed here; pip install 'plctl[web]'" in said("view", str(tmp_path))


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    """Before anything is touched."""
    assert "there is no folder" in said("view", str(tmp_path / "none"))
    assert "is no address for the page" in said("view", str(tmp_path), "--http", "here")
    assert "--tls-cert and --tls-key go together" in said("view", str(tmp_path), "--tls-cert", "c.pem")
    assert "for a page that is served; see --http" in said("run", "--local", "--login", "x.csv")
    assert "plctl controller --http" in said("run", "--local", "--plan", "--http", "127.0.0.1:0", "x.csv")


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    """The token is printed once, by itself."""
    runner, keys = CliRunner(), ["--keys", str(tmp_path)]
    token = runner.invoke(root, ["controller", "token", "add", "ada", "--role", "viewer", *keys]).output
    assert token.startswith("plctl_")
    listed = runner.invoke(root, ["controller", "token", "list", *keys]).output
    assert "ada" in listed
    assert token.strip() not in listed
    assert "ada has a token already" in said("controller", "token", "add", "ada", "--role", "operator", *keys)
    assert 0 == runner.invoke(root, ["controller", "token", "revoke", "ada", *keys]).exit_code
    assert "nobody has a token" in runner.invoke(root, ["controller", "token", "list", *keys]).output
