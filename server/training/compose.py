"""Compose: a larger training set from a labelled one, for objects and confusions that it shows too rarely."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from server.domain.errors import InvalidRequest
from server.training import composites
from server.training.composites import Composite, Material, Place
from server.training.cutouts import Cutout, cutout_from_plain, cutout_with_alpha
from server.training.degrade import degraded
from server.training.labelled_pictures import LabelledPicture, data_root, pictures_in, read_data, read_split, write_data
from server.training.scene import Scene, read_scene

KINDS: Mapping[str, Composite] = {
    "enlarged": composites.enlarged,
    "tiles": composites.tiles,
    "pasted": composites.pasted,
    "held": composites.held,
    "others": composites.others,
    "emptied": composites.emptied,
    "mined": composites.mined,
    "seen_by_camera": composites.seen_by_camera,
}
"""Each kind of composite by its name; docs/training.md says what each is for."""

DEFAULT_COUNTS: Mapping[str, int] = {
    "enlarged": 1000,
    "tiles": 700,
    "pasted": 600,
    "held": 700,
    "others": 300,
    "emptied": 400,
    "mined": 300,
    "seen_by_camera": 500,
}
"""How many of each the delivered model was trained with, beside 5,386 pictures."""

# A draw that fits nothing (an object that the window cuts in half) is drawn again this often; then the picture is left out.
_DRAWS = 40
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class ComposeOrder:
    """What is composed from what.

    `data` is a data.yaml, whose training pictures are the material. `backgrounds` are folders of more pictures that show no
    object of any class. `cutouts` holds PNG files with alpha of things that are no objects. `mined` is the JSON file of a
    `sightline detect` on pictures among these: what it found in one without objects is wrong. `people` is one of a model
    that knows people. `longest_px` is the longer side of most composites. `seed` makes the same order give the same pictures.
    """

    data: Path
    out: Path
    backgrounds: tuple[Path, ...] = ()
    cutouts: Path | None = None
    mined: Path | None = None
    people: Path | None = None
    counts: Mapping[str, int] | None = None
    longest_px: int = 640
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Composed:
    """What came of it: how many pictures of each kind, and how many cut-outs there were to paste."""

    data: Path
    counts: dict[str, int]
    cutouts_of_objects: int
    cutouts_of_others: int


def compose(order: ComposeOrder, *, workers: int, on_written: Callable[[], None] = lambda: None) -> Composed:
    """Writes the composites to `out/images`, their labels to `out/labels`, and an `out/data.yaml` that names both sets. Blocks.

    Uses `workers` threads; `on_written` is called on the caller's, once a picture. Raises InvalidRequest where the material
    cannot be read or holds no picture with an object.
    """
    counts = dict(DEFAULT_COUNTS if order.counts is None else order.counts)
    if unknown := sorted(counts.keys() - KINDS.keys()):
        raise InvalidRequest(f"there is no kind of composite {unknown[0]!r}; there are {', '.join(KINDS)}")
    for folder in ("images", "labels"):
        (order.out / folder).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers, thread_name_prefix="compose") as threads:
        material = _material(order, threads)

        def write(task: tuple[str, int]) -> bool:
            return _write(order, material, kind=task[0], number=task[1])

        made = dict.fromkeys(counts, 0)
        tasks = [(kind, number) for kind, count in counts.items() for number in range(count)]
        for (kind, _), done in zip(tasks, threads.map(write, tasks), strict=True):
            made[kind] += done
            on_written()
    return Composed(_write_data(order), made, len(material.objects), len(material.others))


def _write(order: ComposeOrder, material: Material, *, kind: str, number: int) -> bool:
    """Composes and writes one picture; its generator depends on nothing but seed, kind and number."""
    rng = np.random.default_rng([order.seed, list(KINDS).index(kind), number])
    scene = _drawn(material, rng, kind=kind)
    if scene is None:
        return False
    name = f"{kind}_{number:05d}"
    _, encoded = cv2.imencode(".jpg", scene.pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    (order.out / "images" / f"{name}.jpg").write_bytes(encoded.tobytes())
    (order.out / "labels" / f"{name}.txt").write_text(scene.label_text(), encoding="utf-8")
    return True


def _drawn(material: Material, rng: np.random.Generator, *, kind: str) -> Scene | None:
    for _ in range(_DRAWS):
        scene = KINDS[kind](material, rng)
        if scene is not None:
            worse = kind != "seen_by_camera" and rng.random() < 0.4
            return Scene(degraded(scene.pixels, rng, most=2), scene.boxes) if worse else scene
    return None


def _material(order: ComposeOrder, threads: ThreadPoolExecutor) -> Material:
    pictures = read_split(order.data, split="train").pictures
    backgrounds = [
        LabelledPicture(path, np.zeros((0, 4)), np.zeros(0, np.int32))
        for folder in order.backgrounds
        for path in pictures_in(folder)
    ]
    with_objects = [one for one in pictures if len(one.boxes)]
    without = [one for one in pictures if not len(one.boxes)] + backgrounds
    if not with_objects:
        raise InvalidRequest(f"{order.data}: none of its training pictures shows an object")
    if not without:
        raise InvalidRequest(f"{order.data}: each training picture shows an object; name a folder of others as background")
    cut = [one for one in threads.map(lambda one: cutout_from_plain(read_scene(one)), pictures) if one is not None]
    drawn = pictures_in(order.cutouts) if order.cutouts is not None else []
    foreign = [one for one in threads.map(cutout_with_alpha, drawn) if one is not None]
    return Material(
        with_objects=with_objects,
        without=without,
        mined=_found(order.mined, without) if order.mined is not None else [],
        people=_found(order.people, without) if order.people is not None else [],
        objects=[one for one in cut if one.class_id is not None],
        others=_balanced([one for one in cut if one.class_id is None], foreign),
        longest_px=order.longest_px,
    )


def _balanced(cut: list[Cutout], foreign: list[Cutout]) -> list[Cutout]:
    """Both groups, so that a draw takes from each about as often."""
    if not cut or not foreign:
        return cut + foreign
    return cut * max(1, len(foreign) // len(cut)) + foreign * max(1, len(cut) // len(foreign))


def _found(results: Path, without: list[LabelledPicture]) -> list[Place]:
    """The places in pictures without objects that a results file names."""
    by_name = {one.name: one for one in without}
    try:
        pictures = json.loads(results.read_text(encoding="utf-8"))["pictures"]
        return [
            (by_name[name], (box["x1"], box["y1"], box["x2"], box["y2"]))
            for name, found in ((Path(picture["file"]).name, picture.get("results", [])) for picture in pictures)
            if name in by_name
            for box in (one["box"] for one in found)
        ]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InvalidRequest(f"{results}: is not a JSON file of `sightline detect`: {exc}") from exc


def _write_data(order: ComposeOrder) -> Path:
    """The data.yaml of the material with the composites added to its training pictures."""
    described = read_data(order.data)
    root = data_root(order.data, described)
    trained = described["train"] if isinstance(described["train"], list) else [described["train"]]
    described |= {
        "path": str(root),
        "train": [*(str(root / one) for one in trained), str((order.out / "images").resolve())],
    }
    path = order.out / "data.yaml"
    write_data(path, described)
    return path
