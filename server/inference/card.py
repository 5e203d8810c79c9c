"""Model card: the `model.toml` that stands beside the weights of a delivered model and says what they are."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from server.domain.errors import ModelError
from server.inference.description import DETECT, Description
from server.inference.letterbox import InputSize

CARD_NAME = "model.toml"


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of a `model.toml`.

    `weights`, `int8` and the keys of `sha256` are file names in the folder; `int8` are the same weights for processors that
    multiply 8-bit integers. The last groups are for people: where the model
    comes from and how good it is.
    """

    name: str
    weights: str
    sha256: dict[str, str]
    int8: str | None = None
    classes: Annotated[list[str], Meta(min_length=1)] | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    imgsz: InputSize | None = None
    summary: str = ""
    version: str = ""
    licence: str = ""
    defaults: dict[str, Any] = {}
    origin: dict[str, Any] = {}
    data: dict[str, Any] = {}
    metrics: dict[str, Any] = {}

    def describe(self) -> Description:
        """Returns what the card says about the model."""
        labels = tuple(self.classes) if self.classes else None
        return Description(self.name, labels, DETECT, self.imgsz, self.confidence)


def read_card(folder: Path) -> ModelCard:
    """Reads the folder's card and checks that its files are those that the card names.

    Raises ModelError when the card cannot be read, a file is missing or its content is another.
    """
    path = folder / CARD_NAME
    try:
        card = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ModelCard)
    # A TOMLDecodeError is a ValueError, as is a number of thousands of digits; thousands of brackets are a RecursionError.
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as exc:
        raise ModelError(f"{path}: {exc}") from exc
    for weights in filter(None, (card.weights, card.int8)):
        if weights not in card.sha256:
            raise ModelError(f"{path}: sha256 has no entry for the weights {weights!r}")
    for name, expected in card.sha256.items():
        _check_file(folder, name, expected=expected)
    return card


def _check_file(folder: Path, name: str, *, expected: str) -> None:
    """Raises ModelError unless the file is the one that the card was written for."""
    if Path(name).name != name:
        raise ModelError(f"{folder / CARD_NAME}: {name!r} must be the name of a file in its folder")
    try:
        content = (folder / name).read_bytes()
    except OSError as exc:
        raise ModelError(f"{folder / name}: {CARD_NAME} names this file, but it cannot be read: {exc.strerror}") from exc
    if hashlib.sha256(content).hexdigest() != expected.lower():
        raise ModelError(f"{folder / name}: its sha256 is not the one in {CARD_NAME}; the file is damaged or was replaced")
