"""What is known about a model before it runs: told by the person, by its model.toml and by the file itself."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, fields

from server.domain.errors import ModelError

DETECT = "detect"
"""The only one of Ultralytics' tasks that is served."""


@dataclass(frozen=True, slots=True)
class Description:
    """A model's name, class names by id, Ultralytics task, input size and default confidence; None where unknown."""

    name: str | None = None
    labels: tuple[str, ...] | None = None
    task: str | None = None
    imgsz: int | None = None
    confidence: float | None = None

    def over(self, other: "Description") -> "Description":
        """Returns this description, its gaps filled from the other one."""
        filled = {
            field.name: getattr(self if getattr(self, field.name) is not None else other, field.name) for field in fields(self)
        }
        return Description(**filled)


def from_properties(properties: Mapping[str, str]) -> Description:
    """Reads the properties that Ultralytics writes into ONNX files; values are Python literals.

    Raises ModelError when they cannot be read.
    """
    names, imgsz = properties.get("names"), properties.get("imgsz")
    try:
        return Description(
            labels=None if names is None else _labels(ast.literal_eval(names)),
            task=properties.get("task"),
            imgsz=None if imgsz is None else max(ast.literal_eval(imgsz)),
        )
    except (ValueError, SyntaxError, TypeError) as exc:
        raise ModelError(f"its class names or input size cannot be read: {names!r}, {imgsz!r}") from exc


def from_yaml(text: str) -> Description:
    """Reads the `metadata.yaml` of Ultralytics' OpenVINO folders.

    Reads the form that Ultralytics writes, one scalar a line, which is all that the serving set would need a YAML library for.
    """
    task: str | None = None
    names: dict[int, str] = {}
    sizes: list[int] = []
    section = ""
    for line in text.splitlines():
        if not line.startswith((" ", "-")):
            section, _, value = line.partition(":")
            task = _scalar(value) if section == "task" else task
        elif section == "names":
            number, _, label = line.strip().partition(":")
            names[_integer(number)] = _scalar(label)
        elif section == "imgsz":
            sizes.append(_integer(line.strip().removeprefix("-")))
    return Description(labels=_labels(names) if names else None, task=task, imgsz=max(sizes, default=None))


def _labels(names: Mapping[int, str] | list[str]) -> tuple[str, ...]:
    """The class names in the order of their ids, which must be 0, 1, 2, ..."""
    by_id = dict(enumerate(names)) if isinstance(names, list) else dict(names)
    if sorted(by_id) != list(range(len(by_id))):
        raise ModelError(f"its class ids are not 0 to {len(by_id) - 1}: {sorted(by_id)[:10]}")
    return tuple(str(by_id[number]) for number in range(len(by_id)))


def _integer(text: str) -> int:
    """A whole number of metadata.yaml."""
    try:
        return int(text)
    except ValueError as exc:
        raise ModelError(f"its metadata.yaml has {text.strip()!r} where a number belongs") from exc


def _scalar(text: str) -> str:
    """A YAML scalar without its quotes."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError) as exc:
            raise ModelError(f"its metadata.yaml has a text that cannot be read: {text}") from exc
    return text
