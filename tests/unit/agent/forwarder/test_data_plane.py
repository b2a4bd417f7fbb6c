"""The agent knows a data plane, not the forwarder: another one could take its place."""

from __future__ import annotations

import ast
import inspect

from support.room_imports import ROOT, sources

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.forwarder.data_plane import DataPlane

CLIENT = "agent/forwarder/client.py"
DATA_PLANE = "agent/forwarder/data_plane.py"


def test_two_modules_name_the_forwarders_client() -> None:
    """The one that defines it, and the one that says what the agent needs of it and starts it."""
    naming = {
        str(path)
        for path in sources()
        if path.suffix == ".py" and ("ForwarderClient" in (text := (ROOT / path).read_text()) or _imports_client(text))
    }
    assert {CLIENT, DATA_PLANE} == naming


def test_what_is_asked_of_it_is_the_same() -> None:
    """Each method of the protocol has in the client the parameters that it says, and more only with defaults."""
    asked = {name: method for name, method in vars(DataPlane).items() if inspect.isfunction(method) and name[0] != "_"}
    assert {"add", "arm", "read", "close"} <= asked.keys()
    for name, method in asked.items():
        wanted = inspect.signature(method).parameters
        had = inspect.signature(getattr(ForwarderClient, name)).parameters
        assert list(wanted) == [each for each in had if each in wanted], name
        further = had.keys() - wanted.keys()
        assert all(had[each].default is not inspect.Parameter.empty for each in further), name


def _imports_client(text: str) -> bool:
    modules = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    return "plctl.agent.forwarder.client" in modules
