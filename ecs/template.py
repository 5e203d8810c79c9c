"""CloudFormation templates as Python values: read, with parameters, conditions and references put in.

Only the functions that our own templates use are known; any other raises ValueError.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
SERVICE = FOLDER / "service.yaml"
SITE = FOLDER / "site.yaml"

NO_VALUE = object()
"""What AWS::NoValue stands for: the property, or the item of a list, is left out."""

_NAME = re.compile(r"\$\{([^}]+)\}")


class _Loader(yaml.SafeLoader):
    """Reads the short forms (`!Ref`) as the long ones (`{"Ref": ...}`)."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    raise ValueError(f"!{suffix}: no such kind of node")


_Loader.add_multi_constructor("!", _function)


def load_template(file: Path) -> dict[str, Any]:
    """The template as it is written, functions in their long form."""
    return dict(yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506 - a SafeLoader with our tags


class Template:
    """A template with values for its parameters and resources.

    `parameters` lie over the defaults. `attributes` holds what references to resources and pseudo parameters yield, under
    `LogicalId`, `LogicalId.Attribute` or `AWS::Region`; what is missing there yields its own name.
    """

    def __init__(
        self, document: Mapping[str, Any], *, parameters: Mapping[str, Any], attributes: Mapping[str, Any] | None = None
    ) -> None:
        self._document = document
        declared = document["Parameters"]
        unknown = parameters.keys() - declared.keys()
        if unknown:
            raise ValueError(f"no such parameters: {', '.join(sorted(unknown))}")
        defaults = {name: one["Default"] for name, one in declared.items() if "Default" in one}
        self.parameters = {**defaults, **parameters}
        self.attributes: dict[str, Any] = dict(attributes or {})

    def resources(self, kind: str = "") -> list[str]:
        """Logical ids of the resources whose condition holds, of one type or of all, in the template's order."""
        return [
            name
            for name, one in self._document["Resources"].items()
            if one["Type"].startswith(kind) and ("Condition" not in one or self._holds(one["Condition"]))
        ]

    def properties(self, resource: str) -> dict[str, Any]:
        """The properties of a resource with everything put in."""
        return dict(self.resolve(self._document["Resources"][resource]["Properties"]))

    def resolve(self, value: Any) -> Any:
        """A value of the template with its functions carried out; NO_VALUE where it is to be left out."""
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and (name := next(iter(value))) in {"Ref", "Condition"} | {
            key for key in value if key.startswith("Fn::")
        }:
            return self._call(name, value[name])
        found = {key: self.resolve(one) for key, one in value.items()}
        return {key: one for key, one in found.items() if one is not NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        calls = {
            "Ref": self._ref,
            "Condition": self._holds,
            "Fn::GetAtt": lambda parts: self._attribute(".".join(parts)),
            "Fn::Sub": self._sub,
            "Fn::If": lambda parts: self.resolve(parts[1] if self._holds(parts[0]) else parts[2]),
            "Fn::Equals": lambda parts: str(self.resolve(parts[0])) == str(self.resolve(parts[1])),
            "Fn::Not": lambda parts: not self.resolve(parts[0]),
            "Fn::FindInMap": self._find_in_map,
        }
        if name not in calls:
            raise ValueError(f"the function {name} is not known here")
        return calls[name](argument)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        return self.parameters[name] if name in self.parameters else self._attribute(name)

    def _attribute(self, name: str) -> Any:
        return self.attributes.get(name, name)

    def _sub(self, argument: Any) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument
        own = self.resolve(local)
        return _NAME.sub(lambda found: str(own.get(found[1]) if found[1] in own else self._ref(found[1])), text)

    def _find_in_map(self, parts: list[Any]) -> Any:
        table, row, column = (self.resolve(part) for part in parts)
        return self._document["Mappings"][table][row][column]

    def _holds(self, condition: str) -> bool:
        return bool(self.resolve(self._document["Conditions"][condition]))
