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

    The input size is that of the first. Raises InvalidRequest for fewer than two files, one that is not there, and those that
    are not of one architecture and the same classes; ModelError when the extra is missing, for a file that cannot be read and
    when `target` cannot be written.
    """
    if len(parts) < 2:
        raise InvalidRequest("a mean needs the weights of two trainings or epochs, or more")
    for part in parts:
        if not part.is_file():
            raise InvalidRequest(f"{part}: there is no such file")
    models = [load_weights(part) for part in parts]
    import torch  # noqa: PLC0415 - the extra, which is there by now

    first = models[0].model
    for part, model in zip(parts[1:], models[1:], strict=True):
        if model.names != models[0].names:
            raise InvalidRequest(f"{part}: does not fit {parts[0]}: its classes are {_listed(model)}, not {_listed(models[0])}")
        if _shapes(model.model) != _shapes(first):
            raise InvalidRequest(f"{part}: does not fit {parts[0]}: it is of another architecture")
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


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _listed(model: Any) -> str:
    return ", ".join(str(model.names[number]) for number in sorted(model.names))
