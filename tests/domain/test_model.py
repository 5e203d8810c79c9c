"""ModelInfo: class names to ids."""

import pytest

from server.domain.model import ModelInfo

MODEL = ModelInfo("m", ("person", "firearm"), 0.4, 0.7, 320, "f32", ("openvino", "0"))


@pytest.mark.parametrize("classes", [["firearm"], [1], ["1"]])
def test_a_class_is_named_by_label_or_id(classes: list[int | str]) -> None:
    """A label, an id and an id as text mean the same class."""
    assert MODEL.class_ids(classes) == frozenset({1})


def test_a_name_that_is_a_number_is_a_name() -> None:
    """A model of digits is asked for what it calls them, not for their places."""
    digits = ModelInfo("m", ("1", "0", "2"), 0.4, 0.7, 320, "f32", ("openvino", "0"))
    assert digits.class_ids(["0"]) == frozenset({1})
    assert digits.class_ids([0]) == frozenset({0})


@pytest.mark.parametrize("unknown", ["gun", 2, -1, "2"])
def test_an_unknown_class_is_named(unknown: int | str) -> None:
    """The error carries what is not known."""
    with pytest.raises(KeyError, match=str(unknown)):
        MODEL.class_ids([unknown])
