"""The OpenAPI document of the API, made from its table of routes."""

from __future__ import annotations

from typing import Any

from plctl.common import __version__
from plctl.controller.web.routes import ROUTES, ApiParameter, ApiRoute

_TYPES = {"text": "string", "integer": "integer", "number": "number"}
#: Answers that every route may give.
_ERRORS = {
    400: "the question is none of the API's",
    401: "log in first",
    403: "not for this role, or the request comes from another site",
    404: "there is no such thing",
    503: "it cannot be read now",
}


def openapi() -> dict[str, Any]:
    """The document."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        path = route.address.replace(":path}", "}")
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "plctl",
            "version": __version__,
            "description": "What a controller, a run or folders of runs have to show. Reading changes nothing.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": _object({"error": {"type": "string", "description": "A sentence."}}, ["error"])},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made by plctl controller token add."},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-plctl", "description": "Set by /login."},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF", "description": "csrf of /session."},
            },
        },
    }


def _operation(route: ApiRoute) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.doc,
        "parameters": [_parameter(each) for each in route.parameters],
        "responses": {
            str(route.status): {"description": route.answer, "content": {route.media_type: {"schema": _schema(route)}}},
            **{str(status): _error(words) for status, words in (*_ERRORS.items(), *route.others)},
        },
        "security": _security(route),
    }
    if route.name == "login":
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _TOKEN}}}
    return operation


def _security(route: ApiRoute) -> list[dict[str, list[str]]]:
    if route.audience == "anybody":
        return []
    return [{"token": []}, {"cookie": [], "csrf": []} if route.method == "POST" else {"cookie": []}]


def _schema(route: ApiRoute) -> dict[str, Any]:
    if route.media_type != "application/json":
        return {"type": "string"}
    return {"type": "array"} if route.name in ("files", "studies") else {"type": "object"}


def _parameter(each: ApiParameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES[each.kind]}
    if each.kind != "text":
        schema |= {"minimum": each.least, "maximum": each.most}
    if each.words:
        schema["enum"] = list(each.words)
    if each.default is not None:
        schema["default"] = each.default
    required = each.where == "path"
    return {"name": each.name, "in": each.where, "required": required, "description": each.doc, "schema": schema}


def _error(words: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Error"}
    return {"description": words, "content": {"application/json": {"schema": reference}}}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


_TOKEN = _object({"token": {"type": "string", "description": "As plctl controller token add printed it."}}, ["token"])
