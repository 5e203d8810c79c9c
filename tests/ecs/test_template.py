"""Reading templates: the functions that ours use, as CloudFormation carries them out."""

from pathlib import Path

import pytest

from ecs.template import Template, load_template

TEXT = """
Parameters:
  Size: { Type: String, Default: small }
  Empty: { Type: String, Default: "" }
Mappings:
  Sizes: { small: { Cpu: "256" }, large: { Cpu: "1024" } }
Conditions:
  IsSmall: !Equals [!Ref Size, small]
  HasMore: !Not [!Equals [!Ref Empty, ""]]
Resources:
  Group: { Type: AWS::X::Group, Properties: { Name: !Sub "${AWS::Region}-${Size}" } }
  More: { Type: AWS::X::More, Condition: HasMore, Properties: {} }
  Task:
    Type: AWS::X::Task
    Properties:
      Cpu: !FindInMap [Sizes, !Ref Size, Cpu]
      Arn: !GetAtt Group.Arn
      Tag: !Sub ["${Group.Arn}:${Own}", { Own: !If [IsSmall, s, l] }]
      Left: !If [HasMore, here, !Ref AWS::NoValue]
      List: [one, !If [HasMore, two, !Ref AWS::NoValue]]
  Odd: { Type: AWS::X::Odd, Properties: { Value: !Cidr [a, b] } }
"""


def _template(tmp_path: Path, **parameters: str) -> Template:
    file = tmp_path / "template.yaml"
    file.write_text(TEXT)
    return Template(load_template(file), parameters=parameters, attributes={"Group.Arn": "arn:g", "AWS::Region": "here"})


def test_functions_are_carried_out(tmp_path: Path) -> None:
    """References, conditions, tables and texts become what they stand for; what is NoValue is left out."""
    template = _template(tmp_path)
    assert template.properties("Task") == {"Cpu": "256", "Arn": "arn:g", "Tag": "arn:g:s", "List": ["one"]}
    assert template.properties("Group") == {"Name": "here-small"}


def test_parameters_decide(tmp_path: Path) -> None:
    """A parameter lies over its default, and a resource whose condition does not hold is not there."""
    assert _template(tmp_path).resources("AWS::X::More") == []
    template = _template(tmp_path, Size="large", Empty="no")
    assert template.resources("AWS::X::More") == ["More"]
    assert template.properties("Task")["Tag"] == "arn:g:l"
    assert template.properties("Task")["List"] == ["one", "two"]


def test_what_is_not_known_is_refused(tmp_path: Path) -> None:
    """A function or a parameter that nobody knows is an error, not a text that looks like a value."""
    with pytest.raises(ValueError, match="Fn::Cidr"):
        _template(tmp_path).properties("Odd")
    with pytest.raises(ValueError, match="Sise"):
        _template(tmp_path, Sise="large")
