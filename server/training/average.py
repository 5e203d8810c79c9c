"""Average: one model from several of one training, whose weights are the mean of theirs.

Each of them fits some of its training pictures by heart, and each others: the mean of weights that went on from one another
holds better on new pictures than any of them (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better
Generalization"), and costs nothing when it is served.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.domain.errors import InvalidRequest, ModelError
from server.inference.ultralytics import load_weights, version
from server.media.whole_file import whole_file

# What is said of a training in its weights and needed later: the rest is folders and dates of one machine.
_KEPT = ("task", "imgsz", "single_cls")


def average(parts: Sequence[Path], target: Path) -> None:
    """Writes the `.pt` file of the mean, in 16-bit floats as Ultralytics keeps finished weights. Blocks.

    Raises InvalidRequest for fewer than two files, and for those that are not of one architecture and the same classes;
    ModelError for one that cannot be read or when `target` cannot be written.
    """
    import torch  # noqa: PLC0415 - the extra

    if len(parts) < 2:
        raise InvalidRequest("a mean needs the weights of two trainings or epochs, or more")
    models = [load_weights(part) for part in parts]
    first = models[0].model
    for part, model in zip(parts[1:], models[1:], strict=True):
        if _kind(model.model) != _kind(first):
            raise InvalidRequest(f"{part}: does not fit {parts[0]}: another architecture, or other classes")
    states = [model.model.state_dict() for model in models]
    for name, tensor in states[0].items():
        if tensor.is_floating_point():
            tensor.copy_(torch.stack([state[name].float() for state in states]).mean(0))
    told = models[0].ckpt.get("train_args") or {}
    first.args = {name: told[name] for name in _KEPT if name in told}
    first.pt_path = None
    weights = {
        "model": first.half(),
        "train_args": first.args,
        "date": datetime.now(UTC).isoformat(),
        "version": version(),
        "license": "AGPL-3.0 (https://ultralytics.com/license)",
    }
    try:
        with whole_file(target) as file:
            torch.save(weights, file)
    except OSError as exc:
        raise ModelError(f"{target}: cannot be written: {exc.strerror or exc}") from exc


def _kind(model: Any) -> tuple[dict[str, tuple[int, ...]], dict[int, str]]:
    """The shape of each tensor, and the classes: weights of one kind can be added up."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}, dict(model.names)
