"""Recipe: the hyperparameters of a training, Ultralytics' names for them, from the default, a TOML file and single wishes."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.domain.errors import InvalidRequest

Value = bool | int | float | str
Recipe = Mapping[str, Value]

EPOCHS = 50
IMGSZ = 640
BATCH = 64
"""With a GPU; where there is none `CPU_BATCH` takes a quarter of the memory, and gradients are summed up to 64 all the same."""
CPU_BATCH = 16

# What the delivered model was first trained with; docs/training.md has the trials that led here.
DEFAULT: Recipe = {
    "optimizer": "AdamW",
    "lr0": 0.0015,
    "lrf": 0.01,
    "cos_lr": True,
    "momentum": 0.9,
    "warmup_epochs": 2.0,
    "warmup_bias_lr": 0.0,
    "weight_decay": 0.0005,
    "close_mosaic": 10,
    "mosaic": 0.8,
    "scale": 0.6,
    "multi_scale": 0.25,
    "hsv_v": 0.5,
    "degrees": 3.0,
    "seed": 1,
    "deterministic": False,
    "patience": 0,
}

# Ultralytics' names that a recipe may not use, and what to use instead.
_OURS = {
    "amp": "--float32",
    "batch": "--batch",
    "data": "--data",
    "device": "--device",
    "epochs": "--epochs",
    "exist_ok": "--out",
    "imgsz": "--imgsz",
    "model": "--base",
    "name": "--out",
    "pretrained": "--base",
    "project": "--out",
    "resume": "--resume",
    "save_dir": "--out",
    "time": "--minutes",
}
_FIXED = frozenset({"mode", "task", "cfg", "save", "verbose", "split", "distill_model"})


def read_recipe(file: Path | None, *, changes: Sequence[str] = ()) -> Recipe:
    """The default recipe, over it what a TOML file says, over that each `key=value`. Blocks; raises InvalidRequest."""
    recipe = dict(DEFAULT)
    if file is not None:
        recipe |= _checked(_read_toml(file), where=str(file))
    for change in changes:
        recipe |= _checked(_read_change(change), where="--set")
    return recipe


def _read_toml(file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InvalidRequest(f"{file}: cannot be read: {exc}") from exc


def _read_change(change: str) -> Mapping[str, object]:
    """A wish as TOML, so that `cos_lr=true` is no word; what is no TOML is a word."""
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise InvalidRequest(f"--set: {change!r} is not key=value, for example mosaic=0.5")
    try:
        return {key.strip(): tomllib.loads(f"value = {value}")["value"]}
    except tomllib.TOMLDecodeError:
        return {key.strip(): value.strip()}


def _checked(settings: Mapping[str, object], *, where: str) -> dict[str, Value]:
    """The settings, unless one is not for a recipe."""
    checked: dict[str, Value] = {}
    for key, value in settings.items():
        if key in _OURS:
            raise InvalidRequest(f"{where}: {key} is not set in a recipe; use {_OURS[key]}")
        if key in _FIXED:
            raise InvalidRequest(f"{where}: {key} cannot be set")
        if not isinstance(value, bool | int | float | str):
            raise InvalidRequest(f"{where}: {key} must be a number, a word, true or false")
        checked[key] = value
    return checked
