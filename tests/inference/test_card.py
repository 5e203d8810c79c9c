"""A model.toml is read and its files are checked before anything is loaded."""

import hashlib
from pathlib import Path

import pytest

from server.domain.errors import ModelError
from server.inference.card import read_card
from server.inference.description import Description

WEIGHTS = b"weights"


def make_folder(folder: Path, text: str = "", *, weights: str = "m.xml", digest: str = "") -> Path:
    """Writes a folder with one file and a card that names it."""
    (folder / "m.xml").write_bytes(WEIGHTS)
    digest = digest or hashlib.sha256(WEIGHTS).hexdigest()
    card = f'name = "mine"\nweights = "{weights}"\n{text}\n[sha256]\n"m.xml" = "{digest}"\n'
    (folder / "model.toml").write_text(card)
    return folder


def test_a_card_describes_its_model(tmp_path: Path) -> None:
    """Name, classes, size and confidence come out; groups for people may say anything."""
    text = 'classes = ["firearm"]\nimgsz = 416\nconfidence = 0.4\nlicence = "AGPL-3.0"\n[data]\npictures = 5\n'

    card = read_card(make_folder(tmp_path, text))

    assert card.describe() == Description("mine", ("firearm",), "detect", 416, 0.4)
    assert card.data == {"pictures": 5}


def test_a_file_with_another_content_is_refused(tmp_path: Path) -> None:
    """Damaged or replaced weights are not loaded."""
    with pytest.raises(ModelError, match=r"m\.xml: its sha256 is not the one in model\.toml"):
        read_card(make_folder(tmp_path, digest="0" * 64))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A half copied folder says which file is missing."""
    (make_folder(tmp_path) / "m.xml").unlink()

    with pytest.raises(ModelError, match=r"m\.xml: model\.toml names this file, but it cannot be read: No such file"):
        read_card(tmp_path)


def test_weights_without_a_sum_are_refused(tmp_path: Path) -> None:
    """Every file that is loaded is checked."""
    with pytest.raises(ModelError, match=r"no entry for the weights 'other\.xml'"):
        read_card(make_folder(tmp_path, weights="other.xml"))


def test_int8_weights_without_a_sum_are_refused(tmp_path: Path) -> None:
    """So are those for other processors."""
    with pytest.raises(ModelError, match=r"no entry for the weights 'small\.xml'"):
        read_card(make_folder(tmp_path, 'int8 = "small.xml"'))


def test_a_file_outside_the_folder_is_refused(tmp_path: Path) -> None:
    """A card cannot reach out of its folder."""
    (tmp_path / "model.toml").write_text('name = "m"\nweights = "../m.xml"\n[sha256]\n"../m.xml" = "00"\n')

    with pytest.raises(ModelError, match="must be the name of a file in its folder"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("colour = 1", "unknown field `colour`"),
        ("imgsz = 400", "multiple of 32"),
        ("confidence = 2", "<= 1"),
        ("classes = []", "length >= 1"),
        ("imgsz = ", "Invalid value"),
        ("imgsz = " + "9" * 5000, "4300 digits"),
        ("imgsz = " + "[" * 5000, "recursion"),
    ],
)
def test_a_card_with_a_mistake_says_which(tmp_path: Path, text: str, reason: str) -> None:
    """Misspelt keys and impossible values are refused with the file's name."""
    with pytest.raises(ModelError, match=rf"model\.toml: .*{reason}"):
        read_card(make_folder(tmp_path, text))
