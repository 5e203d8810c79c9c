"""`sightline train`: checks a data set, trains on it, and says what to type next."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from server.commands.exit_codes import INTERRUPTED, OK, PROBLEMS
from server.commands.progress import Progress, ShareProgress
from server.config.settings import Settings
from server.domain.errors import InvalidRequest
from server.inference.letterbox import InputSize
from server.inference.processors import available_processors
from server.media.whole_file import whole_file
from server.training.dataset_checks import CheckedDataset, check_dataset, count_pictures
from server.training.dataset_report import DatasetReport, encode_report, report_text
from server.training.recipe import read_recipe
from server.training.train import ResumeOrder, Trained, TrainOrder, check_base, check_taught, resume, train
from server.training.training_folder import TrainingFolder
from server.training.training_watch import Epoch, Listener

REPORT_NAMES = ("dataset.json", "dataset.txt")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Checks and trains; returns the exit code; raises InvalidRequest and ModelError."""
    folder = TrainingFolder(Path(arguments.out))
    try:
        if arguments.resume:
            if arguments.teachers:
                raise InvalidRequest("--teachers: --resume goes on with those that the training was begun with")
            order = ResumeOrder(device=arguments.device, minutes=_minutes(arguments), float32=arguments.float32)
            _show_result(_shown(lambda listener: resume(order, folder, listener=listener)), arguments)
            return OK
        return _begin(settings, arguments, folder=folder)
    except OSError as exc:
        raise InvalidRequest(f"{exc.filename or folder.path}: {exc.strerror or exc}") from exc
    except KeyboardInterrupt:
        if folder.checkpoint.exists():
            again = f"sightline train --resume --out {shlex.quote(arguments.out)}"
            print(f"interrupted; to go on: {again}", file=sys.stderr)  # noqa: T201 - likewise
        return INTERRUPTED


def _begin(settings: Settings, arguments: argparse.Namespace, *, folder: TrainingFolder) -> int:
    if not arguments.data:
        raise InvalidRequest("train needs --data, a data.yaml in YOLO layout")
    order = None if arguments.check_only else _order(arguments)
    if order is not None and not arguments.force:
        folder.check_unused()
    dataset = _check(Path(arguments.data), imgsz=_imgsz(arguments.input_px), max_pixels=settings.predict.max_pixels)
    errors = dataset.report.errors
    _write_report(dataset.report, folder.path)
    print(report_text(dataset.report))  # noqa: T201 - the answer to the person at the terminal
    if order is None:
        return PROBLEMS if errors else OK
    if errors and not arguments.force:
        raise InvalidRequest(f"{arguments.data}: {len(errors)} kinds of errors, see above; --force trains all the same")
    folder.clear()
    folder.write_data(dataset.splits, labels=dataset.labels)
    _show_result(_shown(lambda listener: train(order, folder, listener=listener)), arguments)
    return OK


def _order(arguments: argparse.Namespace) -> TrainOrder:
    if not arguments.base:
        raise InvalidRequest("train needs --base: .pt weights to begin with, or yolov8n.yaml to begin with nothing")
    check_base(arguments.base)
    order = TrainOrder(
        base=arguments.base,
        imgsz=_imgsz(arguments.input_px),
        epochs=_positive(arguments.epochs, flag="--epochs"),
        batch=None if arguments.batch is None else _positive(arguments.batch, flag="--batch"),
        device=arguments.device,
        minutes=_minutes(arguments),
        float32=arguments.float32,
        recipe=read_recipe(Path(arguments.recipe) if arguments.recipe else None, changes=arguments.changes),
        teachers=[Path(file) for file in arguments.teachers],
    )
    check_taught(order.teachers, order.recipe)
    return order


def _imgsz(asked: int) -> int:
    try:
        return msgspec.convert(asked, InputSize)
    except msgspec.ValidationError as exc:
        raise InvalidRequest(f"--imgsz: {asked}: {str(exc).lower()}") from exc


def _minutes(arguments: argparse.Namespace) -> float | None:
    if arguments.minutes is not None and not arguments.minutes > 0:
        raise InvalidRequest(f"--minutes: {arguments.minutes:g} is no time to train")
    minutes: float | None = arguments.minutes
    return minutes


def _positive(number: int, *, flag: str) -> int:
    if number < 1:
        raise InvalidRequest(f"{flag}: {number} is less than 1")
    return number


def _check(data: Path, *, imgsz: int, max_pixels: int) -> CheckedDataset:
    progress = Progress(count_pictures(data), stream=sys.stderr)
    try:
        return check_dataset(
            data, imgsz=imgsz, threads=available_processors(), max_pixels=max_pixels, on_checked=progress.advance
        )
    finally:
        progress.close()


def _write_report(report: DatasetReport, folder: Path) -> None:
    for name, content in zip(REPORT_NAMES, (encode_report(report), report_text(report).encode() + b"\n"), strict=True):
        with whole_file(folder / name) as file:
            file.write(content)


def _shown(training: Callable[[Listener], Trained]) -> Trained:
    """Runs a training with its progress on the terminal."""
    progress = ShareProgress(stream=sys.stderr)

    def on_epoch(epoch: Epoch) -> None:
        progress.say(epoch_line(epoch))

    try:
        return training(Listener(on_step=lambda share, note: progress.show(share, note=note), on_epoch=on_epoch))
    finally:
        progress.close()


def epoch_line(epoch: Epoch) -> str:
    """What came of an epoch, on a line that stays."""
    losses = "  ".join(f"{name} {value:.3f}" for name, value in epoch.losses.items())
    validated = "" if epoch.map50 is None else f"  mAP50 {epoch.map50:.3f}  mAP50-95 {epoch.map50_95 or 0:.3f}"
    return f"epoch {epoch.number} of {epoch.of}  loss: {losses}{validated}"


def _show_result(trained: Trained, arguments: argparse.Namespace) -> None:
    best, exported = trained.best, trained.best.with_name(f"{trained.best.stem}_sightline")
    figures = "" if trained.map50 is None else f", mAP50 {trained.map50:.3f}, mAP50-95 {trained.map50_95 or 0:.3f} (validation)"
    data = shlex.quote(arguments.data or str(best.with_name("data.yaml")))
    lines = [
        f"{best}: {trained.epochs} epochs{figures}",
        "next:",
        f"  sightline export {shlex.quote(str(best))}",
        f"  sightline evaluate --model {shlex.quote(str(exported))} --data {data} --against {shlex.quote(str(best))}",
    ]
    print(*lines, sep="\n")  # noqa: T201 - the answer to the person at the terminal
