"""Training watch: what happens beside each step of Ultralytics' trainer: checkpoints that survive, progress, threads, time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.inference.processors import available_processors
from server.training.training_folder import TrainingFolder, copy_whole

MAP50, MAP50_95 = "metrics/mAP50(B)", "metrics/mAP50-95(B)"
"""Ultralytics' names of the two figures, in its metrics and as columns of its results.csv."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What came of one epoch, counted from 1; `map50` is None where it was not validated."""

    number: int
    of: int
    losses: Mapping[str, float]
    map50: float | None
    map50_95: float | None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told: `on_step` after each batch of the share that is done, 0 to 1, and of where that is; `on_epoch`."""

    on_step: Callable[[float, str], None] = lambda share, where: None
    on_epoch: Callable[[Epoch], None] = lambda epoch: None


class TrainingWatch:
    """Callbacks of one training; all are called on the thread that trains.

    `amp` is the precision for this machine, which another one's checkpoint does not know. `used_s` is the time that
    went by before an interruption.
    """

    def __init__(self, folder: TrainingFolder, *, amp: str | bool, used_s: float, listener: Listener) -> None:
        self._folder = folder
        self._amp = amp
        self._used_s = used_s
        self._listener = listener
        self._batches = 0
        self._validated = False

    def attach(self, model: Any) -> None:
        """Registers everything with Ultralytics' model."""
        for event in (
            "on_pretrain_routine_start",
            "on_pretrain_routine_end",
            "on_train_start",
            "on_train_epoch_start",
            "on_train_batch_end",
            "on_val_start",
            "on_model_save",
        ):
            model.add_callback(event, getattr(self, event))

    def on_pretrain_routine_start(self, trainer: Any) -> None:
        """Before anything is set up: the precision."""
        trainer.args.amp = self._amp

    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """The model is there: bfloat16 convolutions on a processor are quick with channels last only."""
        import torch  # noqa: PLC0415 - the extra

        if trainer.device.type == "cpu" and self._amp == "bf16":
            trainer.model.to(memory_format=torch.channels_last)

    def on_train_start(self, trainer: Any) -> None:
        """The clock starts, earlier by what went by before an interruption.

        Torch gets all processors, of which Ultralytics leaves one out.
        """
        import torch  # noqa: PLC0415 - the extra

        trainer.train_time_start -= self._used_s
        if trainer.device.type == "cpu":
            torch.set_num_threads(available_processors())

    def on_train_epoch_start(self, trainer: Any) -> None:
        """From here on Ultralytics needs the first epoch only to share the time among all epochs that it was for."""
        self._batches = 0
        self._validated = False
        trainer.ema.decay = _kept_of_average  # again and again: Ultralytics begins a new average after a failure
        if self._used_s and trainer.args.time:
            trainer.start_epoch = 0

    def on_train_batch_end(self, trainer: Any) -> None:
        """One batch more."""
        self._batches += 1
        share = (trainer.epoch + self._batches / len(trainer.train_loader)) / trainer.epochs
        if trainer.args.time:
            share = (time.time() - trainer.train_time_start) / (trainer.args.time * 3600)
        self._listener.on_step(min(share, 1.0), f"epoch {trainer.epoch + 1} of {max(trainer.epochs, trainer.epoch + 1)}")

    def on_val_start(self, _validator: Any) -> None:
        """The figures of this epoch are new."""
        self._validated = True

    def on_model_save(self, trainer: Any) -> None:
        """The epoch is done. Ultralytics writes over its one checkpoint: a kill meanwhile leaves half of that, ours whole."""
        if trainer.best.exists() and trainer.best_fitness == trainer.fitness:
            copy_whole(trainer.best, self._folder.checkpoint_best)
        copy_whole(trainer.last, self._folder.checkpoint)
        map50, map50_95 = (trainer.metrics.get(name) if self._validated else None for name in (MAP50, MAP50_95))
        losses = {name.removesuffix("_loss"): float(value) for name, value in (trainer.tloss or {}).items()}
        self._listener.on_epoch(Epoch(trainer.epoch + 1, max(trainer.epochs, trainer.epoch + 1), losses, map50, map50_95))


def _kept_of_average(steps: int) -> float:
    """How much of the average over the steps stays when one more comes in: it reaches back a fifth of them, however many.

    Polynomial-decay averaging with eta 3 (Shamir and Zhang 2013, "Stochastic Gradient Descent for Non-smooth Optimization").
    Ultralytics' own average reaches back 3 steps after 2,000 and 9 after 4,400: in trainings of that length it is none at all.
    """
    return steps / (4 + steps)
