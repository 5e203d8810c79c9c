"""Class names and input size are read from what Ultralytics writes into and beside its exports."""

import pytest

from server.domain.errors import ModelError
from server.inference.description import Description, from_properties, from_yaml

YAML = """description: Ultralytics YOLOv8n model trained on firearms.yaml
author: Ultralytics
date: '2026-11-22T12:47:53.299600+00:00'
version: 8.4.190
stride: 32
task: detect
batch: 1
imgsz:
- 384
- 640
names:
  0: firearm
  1: 'no'
  2: 'driver''s licence'
  3: "caf\\xE9"
  4: cell phone
args:
  batch: 1
  names: 7
channels: 3
"""


def test_the_properties_of_an_onnx_file_are_read() -> None:
    """Names, task and the longer side come out."""
    said = from_properties({"names": "{0: 'person', 1: 'cell phone'}", "task": "detect", "imgsz": "[384, 640]", "stride": "32"})

    assert said == Description(labels=("person", "cell phone"), task="detect", imgsz=640)


def test_missing_properties_stay_unknown() -> None:
    """A file that says nothing gives an empty description."""
    assert from_properties({}) == Description()


@pytest.mark.parametrize(
    "properties", [{"names": "{0: 'person'"}, {"names": "5"}, {"imgsz": "640"}, {"names": "__import__('os').getcwd()"}]
)
def test_properties_that_cannot_be_read_are_refused(properties: dict[str, str]) -> None:
    """A damaged or hostile property is an error, and never run as code."""
    with pytest.raises(ModelError, match="cannot be read"):
        from_properties(properties)


def test_the_yaml_of_an_openvino_folder_is_read() -> None:
    """Names with quotes, spaces and escapes come out as they were."""
    said = from_yaml(YAML)

    assert said.labels == ("firearm", "no", "driver's licence", "café", "cell phone")
    assert (said.task, said.imgsz) == ("detect", 640)


def test_a_yaml_with_a_broken_number_is_refused() -> None:
    """What is no number is named."""
    with pytest.raises(ModelError, match="'first' where a number belongs"):
        from_yaml("names:\n  first: firearm\n")


def test_class_ids_with_a_gap_are_refused() -> None:
    """A class id must be the position of its name."""
    with pytest.raises(ModelError, match="class ids"):
        from_yaml("names:\n  0: firearm\n  2: person\n")


def test_gaps_are_filled_from_the_other_description() -> None:
    """What is said wins, what is not said is taken over."""
    asked, known = Description(name="mine", confidence=0.0), Description(name="theirs", confidence=0.5, imgsz=640)

    assert asked.over(known) == Description(name="mine", confidence=0.0, imgsz=640)


@pytest.mark.parametrize("label", ['"\\x"', '"\\N{none}"', '"a"b"'])
def test_a_yaml_with_a_text_that_cannot_be_read_is_refused(label: str) -> None:
    """A broken escape or quote is named."""
    with pytest.raises(ModelError, match=r"metadata\.yaml has a text that cannot be read"):
        from_yaml(f"names:\n  0: {label}\n")
