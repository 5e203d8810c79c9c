"""Training folder: what lies in `--out`, and how the data set is named to Ultralytics."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.domain.errors import InvalidRequest
from server.media.whole_file import whole_file, whole_path


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """The folder of one training."""

    path: Path

    @property
    def best(self) -> Path:
        """The weights that came of it; there when the training is finished."""
        return self.path / "best.pt"

    @property
    def checkpoint(self) -> Path:
        """Where to go on from after an interruption: whole at any time, gone when the training is finished."""
        return self.path / "checkpoint.pt"

    @property
    def checkpoint_best(self) -> Path:
        """The best weights until the checkpoint."""
        return self.path / "checkpoint-best.pt"

    @property
    def run(self) -> Path:
        """Ultralytics' own folder."""
        return self.path / "run"

    @property
    def data(self) -> Path:
        """The data set as Ultralytics is told of it."""
        return self.path / "data.yaml"

    @property
    def teachers(self) -> Path:
        """Where the weights lie that the training learns from beside the labels, one path a line; not there without any."""
        return self.path / "teachers.txt"

    @property
    def log(self) -> Path:
        """What Ultralytics printed."""
        return self.path / "train.log"

    @property
    def epochs(self) -> Path:
        """Ultralytics' figures of each epoch; an epoch that was repeated after an interruption stands there twice."""
        return self.run / "results.csv"

    def check_unused(self) -> None:
        """Raises InvalidRequest where a training lies here already."""
        if self.checkpoint.exists():
            raise InvalidRequest(f"{self.path}: holds an unfinished training; --resume goes on with it, --force begins anew")
        if self.best.exists():
            raise InvalidRequest(f"{self.path}: holds a finished training; name another folder, or --force to replace it")

    def check_resumable(self) -> None:
        """Raises InvalidRequest where there is nothing to go on with."""
        if not self.checkpoint.exists():
            why = "the training here is finished" if self.best.exists() else "there is no checkpoint of a training here"
            raise InvalidRequest(f"{self.path}: cannot resume: {why}")

    def clear(self) -> None:
        """Makes the folder, without what an earlier training left. Blocks; raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        for file in (self.best, self.checkpoint, self.checkpoint_best, self.log):
            file.unlink(missing_ok=True)
        shutil.rmtree(self.run, ignore_errors=True)

    def write_data(self, splits: Mapping[str, Sequence[Path]], *, labels: Sequence[str]) -> None:
        """Writes `data.yaml` and a list of pictures for each split. Blocks; raises OSError.

        Ultralytics looks for relative paths in several places; absolute ones in lists leave nothing to be looked for, and what
        was checked is what is trained with.
        """
        lines = []
        for split, pictures in splits.items():
            listed = self.path / f"{split}.txt"
            _write(listed, "".join(f"{path.absolute()}\n" for path in pictures))
            lines.append(f"{split}: {json.dumps(str(listed.absolute()))}")
        names = [f"  {number}: {json.dumps(label)}" for number, label in enumerate(labels)]
        _write(self.data, "\n".join([*lines, "names:", *names]) + "\n")

    def write_teachers(self, files: Sequence[Path]) -> None:
        """Keeps the teachers for `read_teachers`, in place of those of an earlier training. Blocks; raises OSError."""
        self.teachers.unlink(missing_ok=True)
        if files:
            _write(self.teachers, "".join(f"{path.absolute()}\n" for path in files))

    def read_teachers(self) -> list[Path]:
        """The teachers that the training here was begun with. Blocks; raises OSError."""
        return [Path(line) for line in self.teachers.read_text().splitlines()] if self.teachers.exists() else []


def copy_whole(source: Path, target: Path) -> None:
    """Copies a file so that the copy is there whole or not at all. Blocks; raises OSError."""
    with whole_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text.encode())
