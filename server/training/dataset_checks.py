"""Dataset checks: looks at every picture and label of a data set in YOLO layout before time is spent on training with it."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from server.domain.errors import InvalidRequest
from server.inference.letterbox import Letterbox
from server.media.picture import decode, probe
from server.training import label_checks
from server.training.coco_metrics import OBJECT_SIZES_PX
from server.training.dataset_report import ERROR, EXAMPLES, WARNING, DatasetReport, Finding, SplitFacts
from server.training.label_checks import CheckedLabel, Fault, check_label
from server.training.labelled_pictures import class_names, picture_paths, read_data
from server.training.near_duplicates import Fingerprint, fingerprint, mirrored, near_duplicates

TRAIN, VAL = "train", "val"

UNREADABLE = "picture that cannot be read"
TINY = "object smaller than 4 px at input size"
TINY_PX = 4.0
NEAR_DUPLICATE = "picture that is in train, too"

# Severity of each kind of fault, and what to do about it.
_KINDS = {
    UNREADABLE: (ERROR, "replace it, or take it out of the data set"),
    label_checks.MALFORMED: (ERROR, "a line is `class x_centre y_centre width height`, the last four as fractions"),
    label_checks.UNKNOWN_CLASS: (ERROR, "add it to `names` in data.yaml, or correct the label"),
    label_checks.OUTSIDE: (ERROR, "are they pixels? Centre and size are fractions of width and height"),
    label_checks.EMPTY: (ERROR, "remove the line, or draw the box again"),
    label_checks.OVERHANGING: (WARNING, "boxes end where the picture ends"),
    label_checks.REPEATED: (WARNING, "it counts once"),
    label_checks.NO_FILE: (WARNING, "it counts as one that shows nothing; an empty label file says that this is meant"),
    TINY: (WARNING, "hardly to be learned: a larger --imgsz, or crops that enlarge them"),
    NEAR_DUPLICATE: (
        WARNING,
        "figures of this split say less about other places; split by camera or scene rather than by picture",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class CheckedSplit:
    """The pictures of a split that are good enough to train with, and what was found; `fingerprints` are of the same order."""

    pictures: tuple[Path, ...]
    fingerprints: npt.NDArray[np.uint64]
    facts: SplitFacts
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CheckedDataset:
    """A data set that was looked at."""

    labels: tuple[str, ...]
    splits: dict[str, tuple[Path, ...]]
    report: DatasetReport


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    path: Path
    label: CheckedLabel
    longest_px: npt.NDArray[np.float64]
    """`(n,) float64`: the longest side of each box at input size."""
    hashes: tuple[Fingerprint, Fingerprint] | None
    """Of the picture and of its mirrored one; None where it cannot be read."""
    faults: tuple[Fault, ...]


def check_dataset(
    data: Path, *, imgsz: int, threads: int, max_pixels: int, on_checked: Callable[[], None] = lambda: None
) -> CheckedDataset:
    """Looks at the splits train and val; calls `on_checked` after each picture. Blocks: about 2 ms a picture and processor.

    Raises InvalidRequest when `data.yaml` itself cannot be used; what is wrong with pictures and labels is in the report.
    """
    described = read_data(data)
    labels = class_names(described, data)
    paths = {split: sorted(set(picture_paths(described, data=data, split=split))) for split in (TRAIN, VAL)}
    for split, found in paths.items():
        if not found:
            raise InvalidRequest(f"{data}: its split {split!r} has no pictures")

    def look(path: Path) -> _Picture:
        checked = _check_picture(path, classes=len(labels), imgsz=imgsz, max_pixels=max_pixels)
        on_checked()
        return checked

    with ThreadPoolExecutor(threads, thread_name_prefix="io") as io:
        splits = {split: _gather(list(io.map(look, found)), labels=labels) for split, found in paths.items()}
    findings = [*_findings(splits), *_balance(splits)]
    facts = {split: one.facts for split, one in splits.items()}
    report = DatasetReport(data=str(data), imgsz=imgsz, splits=facts, findings=findings)
    return CheckedDataset(labels, {split: one.pictures for split, one in splits.items()}, report)


def count_pictures(data: Path) -> int:
    """How many pictures `check_dataset` will look at. Blocks; raises InvalidRequest."""
    described = read_data(data)
    return sum(len(set(picture_paths(described, data=data, split=split))) for split in (TRAIN, VAL))


def _check_picture(path: Path, *, classes: int, imgsz: int, max_pixels: int) -> _Picture:
    label = check_label(path, classes=classes)
    try:
        content = path.read_bytes()
        pixels = decode(content, probe(content, max_pixels=max_pixels))
    except (OSError, InvalidRequest) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc
        fault = Fault(UNREADABLE, f"{path}: {why}")
        return _Picture(path, label, np.zeros(0), None, (*label.faults, fault))
    height, width = pixels.shape[:2]
    fit = Letterbox.fit(width=width, height=height, imgsz=imgsz)
    sides = (label.boxes[:, 2:] - label.boxes[:, :2]) * np.array([fit.inner_width, fit.inner_height])
    longest = sides.max(axis=1) if len(sides) else np.zeros(0)
    tiny = [Fault(TINY, f"{path}: {side:.1f} px") for side in longest if side < TINY_PX]
    hashes = (fingerprint(pixels), fingerprint(mirrored(pixels)))
    return _Picture(path, label, longest, hashes, (*label.faults, *tiny))


def _gather(pictures: list[_Picture], *, labels: tuple[str, ...]) -> CheckedSplit:
    readable = [one for one in pictures if one.hashes is not None]
    counts = Counter(int(number) for one in pictures for number in one.label.class_id)
    longest = np.concatenate([one.longest_px for one in pictures]) if pictures else np.zeros(0)
    histogram = np.histogram(longest, [*OBJECT_SIZES_PX, np.inf])[0]
    bounds = [f"{start} to {end}" for start, end in pairwise(OBJECT_SIZES_PX)]
    facts = SplitFacts(
        pictures=len(pictures),
        without_objects=sum(not len(one.label.boxes) for one in pictures),
        objects=sum(counts.values()),
        by_class={name: counts[number] for number, name in enumerate(labels)},
        sizes_px=dict(zip([*bounds, f"{OBJECT_SIZES_PX[-1]} and more"], histogram.tolist(), strict=True)),
    )
    hashes = np.array([one.hashes for one in readable], np.uint64).reshape(-1, 2, 2)
    faults = tuple(fault for one in pictures for fault in one.faults)
    return CheckedSplit(tuple(one.path for one in readable), hashes, facts, faults)


def _findings(splits: dict[str, CheckedSplit]) -> Iterator[Finding]:
    for split, one in splits.items():
        faults = [*one.faults, *(_duplicates(splits) if split == VAL else ())]
        for kind, (severity, advice) in _KINDS.items():
            places = [fault.where for fault in faults if fault.kind == kind]
            if places:
                yield Finding(
                    severity=severity, what=kind, split=split, count=len(places), examples=places[:EXAMPLES], advice=advice
                )


def _duplicates(splits: dict[str, CheckedSplit]) -> Iterator[Fault]:
    train, val = splits[TRAIN], splits[VAL]
    for pair in near_duplicates(train.fingerprints[:, 0], val.fingerprints):
        yield Fault(NEAR_DUPLICATE, f"{val.pictures[pair.val]} is much like {train.pictures[pair.train]}")


def _balance(splits: dict[str, CheckedSplit]) -> Iterator[Finding]:
    """What is too seldom to be learned or to be measured."""
    for split, one in splits.items():
        if not one.facts.objects:
            yield Finding(
                severity=ERROR,
                what="split without an object",
                split=split,
                count=1,
                examples=[],
                advice="label files are looked for in `labels` beside `images`",
            )
            continue
        rare = {name: count for name, count in one.facts.by_class.items() if count < _ENOUGH[split]}
        if rare:
            yield Finding(
                severity=WARNING,
                what=f"class with fewer than {_ENOUGH[split]} objects",
                split=split,
                count=len(rare),
                examples=[f"{name}: {count}" for name, count in list(rare.items())[:EXAMPLES]],
                advice="too few to be learned well" if split == TRAIN else "too few to be measured well",
            )


_ENOUGH = {TRAIN: 100, VAL: 20}
"""Objects of a class below which it is worth a word."""
