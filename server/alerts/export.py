"""Export of alerts: a CSV table, and a data set in YOLO layout in which what was dismissed is a hard negative."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from server.domain.alert import Alert, AlertState
from server.domain.detection import Box

COLUMNS = (
    "id", "state", "source", "kind", "label", "confidence", "opened_at", "hits", "frames", "in_view_s",
    "x1", "y1", "x2", "y2", "width", "height", "decided_at", "decided_by", "decided_zone", "reason", "note",
)  # fmt: skip
MANIFEST_COLUMNS = ("split", "file", "source", "state", "alert", "label", "opened_at", "reason")

# Of what was decided so much is kept for validation: the newest, because pictures of one hour are much alike.
_VALIDATION_SHARE = 0.2
# A table that is opened in a spreadsheet must not compute: OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class ExportedAlert:
    """An alert and the file with its snapshot without boxes, which need not be there any more."""

    alert: Alert
    snapshot: Path


DatasetFile = tuple[str, bytes]
"""A path in the data set's folder, with `/`, and what is in the file."""


def csv_rows(alerts: Iterable[Alert]) -> Iterator[bytes]:
    """A CSV table (RFC 4180, UTF-8) line by line, COLUMNS first; times are UTC."""
    yield _line(COLUMNS)
    for one in alerts:
        what = (one.id, one.state, one.source_name, one.source_kind, one.label, round(one.confidence, 4))
        seen = (_time(one.opened_at), one.hits, one.frames, round(one.in_view_s, 2), *(round(side, 1) for side in one.xyxy))
        decided = (_time(one.decided_at), one.decided_by, one.decided_zone, one.reason, one.note)
        yield _line((*what, *seen, one.width_px, one.height_px, *decided))


def dataset_files(alerts: Sequence[ExportedAlert], *, labels: Sequence[str] = ()) -> Iterator[DatasetFile]:
    """Yields the files of the data set, one picture in memory at a time. Blocks: it reads the snapshots.

    Confirmed alerts come with the box of their best frame, dismissed ones with an empty label file; the others, and those
    whose snapshot is gone, are left out. `labels` are the model's classes by id; what they lack is appended.
    """
    decided = [one for one in alerts if one.alert.state in (AlertState.CONFIRMED, AlertState.DISMISSED)]
    names = tuple(dict.fromkeys((*labels, *sorted({one.alert.label for one in decided}))))
    validation = _validation(decided)
    manifest = [_line(MANIFEST_COLUMNS)]
    for one in sorted(decided, key=lambda one: (one.alert.opened_at, one.alert.id)):
        try:
            picture = one.snapshot.read_bytes()
        except FileNotFoundError:  # retention was quicker
            continue
        split, stem = "val" if one.alert.id in validation else "train", _stem(one.alert)
        yield f"images/{split}/{stem}.jpg", picture
        yield f"labels/{split}/{stem}.txt", _label(one.alert, names).encode()
        manifest.append(_manifest_line(one.alert, split=split, file=f"{stem}.jpg"))
    yield "data.yaml", _description(names)
    yield "manifest.csv", b"".join(manifest)


def zip_chunks(files: Iterable[DatasetFile]) -> Iterator[bytes]:
    """A ZIP of the files, piece by piece. Blocks as `files` does; nothing but the piece is held in memory."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for name, content in files:
            archive.writestr(name, content)
            yield pieces.take()
    yield pieces.take()


class _Pieces(io.RawIOBase):
    """A file that cannot be sought in, whose bytes are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile writes bytes alone
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since it was last asked."""
        taken, self._held = bytes(self._held), bytearray()
        return taken


def _validation(decided: Sequence[ExportedAlert]) -> set[str]:
    """The ids of the newest of each verdict; with a single one it is for training."""
    ids: set[str] = set()
    for state in (AlertState.CONFIRMED, AlertState.DISMISSED):
        newest = sorted((one.alert.opened_at, one.alert.id) for one in decided if one.alert.state is state)
        count = max(1, round(_VALIDATION_SHARE * len(newest))) if len(newest) > 1 else 0
        ids.update(alert_id for _, alert_id in newest[len(newest) - count :])
    return ids


def _label(alert: Alert, names: Sequence[str]) -> str:
    """A line `class x_centre y_centre width height` as shares of the picture, nothing for what was dismissed."""
    x1, y1, x2, y2 = _shares(alert.xyxy, width=alert.width_px, height=alert.height_px)
    if alert.state is AlertState.DISMISSED or x2 <= x1 or y2 <= y1:
        return ""
    place = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    return f"{names.index(alert.label)} {' '.join(f'{share:.6f}' for share in place)}\n"


def _shares(xyxy: Box, *, width: int, height: int) -> Box:
    """The part of a box that lies in the picture."""
    x1, x2 = (min(max(side / width, 0.0), 1.0) for side in xyxy[0::2])
    y1, y2 = (min(max(side / height, 0.0), 1.0) for side in xyxy[1::2])
    return x1, y1, x2, y2


def _description(names: Sequence[str]) -> bytes:
    """The data.yaml; JSON texts are YAML, too."""
    classes = "".join(f"  {number}: {msgspec.json.encode(name).decode()}\n" for number, name in enumerate(names))
    return f"train: images/train\nval: images/val\nnames:\n{classes}".encode()


def _manifest_line(alert: Alert, *, split: str, file: str) -> bytes:
    return _line((split, file, alert.source_name, alert.state, alert.id, alert.label, _time(alert.opened_at), alert.reason))


def _stem(alert: Alert) -> str:
    """A file's name that no system stumbles over and that sorts by source and time."""
    opened = datetime.fromtimestamp(alert.opened_at, UTC).strftime("%Y%m%dT%H%M%S")
    source = re.sub(r"[^A-Za-z0-9]+", "-", alert.source_name).strip("-")[:40] or "source"
    return f"{source}-{opened}-{re.sub(r'[^A-Za-z0-9]+', '', alert.id)}"


def _time(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(cells: Iterable[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(_cell(one) for one in cells)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A text that a spreadsheet takes for a text."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
