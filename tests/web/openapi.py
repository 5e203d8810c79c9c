"""The description of the interface, for tests: which operations it has, and the schemas of their answers."""

from functools import cache
from typing import Any

import yaml
from aiohttp import ClientResponse
from jsonschema import Draft202012Validator

from server.resources import openapi_file

METHODS = frozenset({"get", "put", "post", "delete", "options", "patch"})


@cache
def document() -> dict[str, Any]:
    """The description, read."""
    loaded: dict[str, Any] = yaml.safe_load(openapi_file().read_text("utf-8"))
    return loaded


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """All operations by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document()["paths"].items()
        for method, operation in resolve(item).items()
        if method in METHODS
    }


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """What the node refers to, or the node itself."""
    while "$ref" in node:
        target: Any = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def schema(name: str) -> Draft202012Validator:
    """The validator of one schema; references in it are resolved against the whole description."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document()["components"]})


async def check_answer(answer: ClientResponse, *, method: str, path: str) -> None:
    """Fails when the description does not have this answer: its status, its content type, its content."""
    described = resolve(operations()[method, path]["responses"][str(answer.status)])
    for header, details in described.get("headers", {}).items():
        assert header in answer.headers or not details.get("required"), f"{header} is missing"
    content = described.get("content", {})
    if not content:
        assert await answer.read() == b""
        return
    assert answer.content_type in content, f"{answer.content_type} is not described for {method} {path}"
    wanted = content[answer.content_type].get("schema")
    if wanted is not None:
        value = await answer.json(content_type=None) if answer.content_type.endswith("json") else await answer.text()
        Draft202012Validator({**wanted, "components": document()["components"]}).validate(value)
