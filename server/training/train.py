"""Train: from a checked data set and a base to `best.pt`, by Ultralytics, in a way that survives being killed."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from server.domain.errors import InvalidRequest, ModelError
from server.inference.ultralytics import keep_settings_in, load_weights
from server.training import bfloat16
from server.training.gpu_trainer import GPU, gpu_trainer
from server.training.recipe import BATCH, CPU_BATCH, DEFAULT, EPOCHS, IMGSZ, Recipe
from server.training.teachers import check_teachers
from server.training.training_curves import write_training_curves
from server.training.training_folder import TrainingFolder, copy_whole
from server.training.training_log import printing_into
from server.training.training_watch import MAP50, MAP50_95, Listener, TrainingWatch

# What has been seen to come out of Ultralytics and torch: bad hyperparameters, too little memory, data that cannot be used.
_TRAIN_ERRORS = (RuntimeError, ValueError, TypeError, AssertionError, KeyError, AttributeError, SyntaxError, OSError)


@dataclass(frozen=True, slots=True)
class TrainOrder:
    """What to train with, and how.

    `base` is a path or the name of an architecture. `minutes` is a budget that the number of epochs follows. `device` is auto,
    cpu, mps or the number of a GPU. `batch` None is the device's default. `teachers` are weights to learn from, too.
    """

    base: str
    imgsz: int = IMGSZ
    epochs: int = EPOCHS
    batch: int | None = None
    device: str = "auto"
    minutes: float | None = None
    float32: bool = False
    recipe: Recipe = field(default_factory=lambda: DEFAULT)
    teachers: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class ResumeOrder:
    """What may be another one when a training goes on; None is what it was begun with."""

    device: str = "auto"
    minutes: float | None = None
    float32: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it; the figures are those of `best` on the validation split."""

    best: Path
    epochs: int
    map50: float | None
    map50_95: float | None


def train(order: TrainOrder, folder: TrainingFolder, *, listener: Listener) -> Trained:
    """Trains on the data set that `folder.write_data` was told of. Takes minutes to days; on the main thread only.

    Raises InvalidRequest for a base or a recipe that cannot be used, ModelError when the training fails.
    """
    with _ultralytics(folder):
        check_base(order.base)
        check_taught(order.teachers, order.recipe)
        model = load_weights(Path(order.base))
        device = _device(order.device)
        amp = _amp(device, float32=order.float32)
        _check_names(order.recipe)
        folder.write_teachers(order.teachers)
        watch = TrainingWatch(folder, amp=amp, used_s=0.0, listener=listener)
        batch = order.batch or (CPU_BATCH if device == "cpu" else BATCH)
        wishes = {"imgsz": order.imgsz, "epochs": order.epochs, "batch": batch, "time": order.minutes and order.minutes / 60}
        return _run(model, folder, watch=watch, settings={**order.recipe, **wishes, "device": device, "amp": amp})


def resume(order: ResumeOrder, folder: TrainingFolder, *, listener: Listener) -> Trained:
    """Goes on from the checkpoint to the number of epochs, or the time, that the training was begun with; else as `train`."""
    folder.check_resumable()
    with _ultralytics(folder):
        # Ultralytics writes on beside its own checkpoint; ours is the one that is whole.
        copy_whole(folder.checkpoint, folder.run / "weights" / "last.pt")
        if folder.checkpoint_best.exists():
            copy_whole(folder.checkpoint_best, folder.run / "weights" / "best.pt")
        model = load_weights(folder.run / "weights" / "last.pt", named=folder.checkpoint)
        begun = model.ckpt
        minutes = order.minutes or (begun["train_args"]["time"] or 0) * 60
        used_s = float(begun["train_results"]["time"][-1])
        if begun["epoch"] + 1 >= begun["train_args"]["epochs"] or (minutes and used_s >= minutes * 60):
            return _finish(folder, figures=_validated(model))
        device = _device(order.device)
        amp = _amp(device, float32=order.float32)
        watch = TrainingWatch(folder, amp=amp, used_s=used_s, listener=listener)
        return _run(model, folder, watch=watch, settings={"resume": True, "device": device, "time": minutes / 60 or None})


@contextmanager
def _ultralytics(folder: TrainingFolder) -> Iterator[None]:
    """Ultralytics with its settings in a folder that is gone afterwards, printing into the log; its failures become ours."""
    folder.path.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        keep_settings_in(Path(stack.enter_context(TemporaryDirectory(prefix="sightline-ultralytics-"))))
        log = stack.enter_context(printing_into(folder.log))
        try:
            yield
        except _TRAIN_ERRORS as exc:
            traceback.print_exc(file=log)
            raise ModelError(f"the training failed: {_first_line(exc)}; {folder.log} says more") from exc


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".;") if lines else type(error).__name__


def _run(model: Any, folder: TrainingFolder, *, watch: TrainingWatch, settings: dict[str, Any]) -> Trained:
    watch.attach(model)
    # A training that goes on is told by its checkpoint how it was begun.
    held = (model.ckpt["train_args"] if "resume" in settings else settings).get("cache") == GPU
    with ExitStack() as stack:
        if settings["device"] == "cpu":
            stack.enter_context(bfloat16.on_processor())
        trainer = gpu_trainer(folder.read_teachers()) if held else None
        model.train(trainer=trainer, data=str(folder.data), save_dir=str(folder.run.absolute()), plots=False, **settings)
    return _finish(folder, figures=model.trainer.validator.metrics.results_dict)


def _finish(folder: TrainingFolder, *, figures: dict[str, float]) -> Trained:
    """Puts the best weights into their place, without what only a training needs, and draws the curves."""
    from ultralytics.utils.torch_utils import strip_optimizer  # noqa: PLC0415 - the extra

    best = folder.run / "weights" / "best.pt"
    strip_optimizer(str(best))
    copy_whole(best, folder.best)
    epochs = write_training_curves(folder.epochs, folder.path)
    for file in (folder.checkpoint, folder.checkpoint_best):
        file.unlink(missing_ok=True)
    return Trained(folder.best, epochs, figures.get(MAP50), figures.get(MAP50_95))


def _validated(model: Any) -> dict[str, float]:
    """The figures that the last epoch of a finished training had; none where it was not validated."""
    figures: dict[str, float] = {name: value for name, value in model.ckpt["train_metrics"].items() if value}
    return figures


def check_base(base: str) -> None:
    """Raises InvalidRequest for what is neither weights in a file nor the name of an architecture, which has no weights."""
    if Path(base).suffix.lower() not in (".pt", ".yaml", ".yml"):
        raise InvalidRequest(f"--base: {base} is neither .pt weights nor an architecture such as yolov8n.yaml")
    if Path(base).suffix.lower() == ".pt" and not Path(base).is_file():
        raise InvalidRequest(f"--base: {base}: there is no such file, and nothing is downloaded")


def check_taught(teachers: Sequence[Path], recipe: Recipe) -> None:
    """Raises InvalidRequest for teachers that are not there, or that no batch could be shown to."""
    check_teachers(teachers)
    if teachers and recipe.get("cache") != GPU:
        raise InvalidRequest(
            f'--teachers: they look at batches that are made on the GPU: cache = "{GPU}" in the recipe, or --set cache={GPU}'
        )


def _check_names(recipe: Recipe) -> None:
    """Raises InvalidRequest for a name that Ultralytics does not know, or a value that it refuses."""
    from ultralytics.cfg import get_cfg  # noqa: PLC0415 - the extra

    try:
        get_cfg(overrides=dict(recipe))
    except (SyntaxError, TypeError, ValueError) as exc:
        raise InvalidRequest(f"the recipe: {_first_line(exc)}") from exc


def _device(asked: str) -> str:
    """Ultralytics' name of the device."""
    import torch  # noqa: PLC0415 - the extra

    if asked == "auto":
        return "0" if torch.cuda.is_available() else "cpu"
    if asked in ("cpu", "mps"):
        return asked
    number = asked.removeprefix("cuda:")
    if not number.isdecimal():
        raise InvalidRequest(f"--device: {asked!r} is not auto, cpu, mps or the number of one GPU")
    if int(number) >= torch.cuda.device_count():
        raise InvalidRequest(f"--device: there is no GPU {number} here, torch sees {torch.cuda.device_count()}")
    return number


def _amp(device: str, *, float32: bool) -> str | bool:
    """bf16 where the device computes in it, else float32: Ultralytics would download weights to try float16."""
    import torch  # noqa: PLC0415 - the extra

    if float32 or device == "mps":
        return False
    if device == "cpu":
        return "bf16" if bfloat16.processor_has_bfloat16() and bfloat16.can_be_applied() else False
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else False
