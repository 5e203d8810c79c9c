"""Tests of the retention of alerts and of their files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from server.alerts.evidence import ORPHANED_S, AlertFiles
from server.alerts.retention import due
from server.domain.alert import Alert, AlertState, ClipState, SourceKind
from tests.alerts.watched import OPTIONS, Source, watched

DAY_S = 86_400.0


def make_alert(number: int, *, state: AlertState = AlertState.DISMISSED, size_bytes: int = 100, **values: Any) -> Alert:
    """An alert that was opened `number` days after the epoch."""
    at = number * DAY_S
    known: dict[str, Any] = {
        "stream_id": "gate",
        "source_name": "Gate",
        "source_kind": SourceKind.WEBCAM,
        "label": "firearm",
        "confidence": 0.8,
        "track_id": 1,
        "xyxy": (0.0, 0.0, 8.0, 8.0),
        "width_px": 64,
        "height_px": 48,
        "hits": 3,
        "frames": 5,
    }
    return Alert(
        id=f"{number:032x}", state=state, size_bytes=size_bytes, opened_at=at, updated_at=at, expires_at=at, **{**known, **values}
    )


@pytest.mark.parametrize(
    ("alerts", "max_bytes", "going"),
    [
        ([make_alert(1), make_alert(5), make_alert(9)], 1000, [1]),
        ([make_alert(9), make_alert(8), make_alert(7)], 200, [7]),
        ([make_alert(7, state=AlertState.CANDIDATE), make_alert(8), make_alert(9)], 200, [8]),
        ([make_alert(1, state=AlertState.CANDIDATE)], 0, []),
        ([make_alert(1, size_bytes=1000), make_alert(9)], 100, [1]),
        ([], 0, []),
    ],
)
def test_the_oldest_go_and_never_a_candidate(alerts: Sequence[Alert], max_bytes: int, going: list[int]) -> None:
    """After their time, or to make room; an open candidate takes room, too."""
    found = due(alerts, now=10 * DAY_S, keep_s=7 * DAY_S, max_bytes=max_bytes)
    assert [int(one.id, 16) for one in found] == going


async def test_removes_the_files_with_the_alert(tmp_path: Path) -> None:
    """When its time is over; what waits for a person stays however old it is."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        decided = await rig.alert_of(source)
        rig.see(source, frames=15)
        waits = await rig.alert_of(source)
        await rig.service.dismiss(decided.id, by="Ada", zone=None)
        rig.service.detach(source)
        await rig.until(lambda one: one.clip is ClipState.MISSING)
        await rig.until(lambda one: one.clip is ClipState.MISSING, alert=1)
        assert await rig.service.sweep() == []
        rig.now_s += OPTIONS.keep_s
        assert await rig.service.sweep() == [decided.id]
        assert not rig.files.snapshot(decided.id).exists()
        assert rig.files.snapshot(waits.id).exists()
        assert [one.id for one in rig.records.find()] == [waits.id]


async def test_a_clip_that_a_killed_server_has_left_is_missing(tmp_path: Path) -> None:
    """Nobody makes it any more, and a page must not wait for it."""
    async with watched(tmp_path) as rig:
        rig.records.open(make_alert(20_000, state=AlertState.CANDIDATE), [])
        await rig.service.sweep()
        assert rig.records.find()[0].clip is ClipState.MISSING


async def test_a_clip_that_is_under_way_is_left_alone(tmp_path: Path) -> None:
    """Its recording knows better."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        await rig.service.sweep()
        assert (await rig.service.get(alert.id)).clip is ClipState.PENDING


def test_sweeps_halves_and_what_nobody_knows(tmp_path: Path) -> None:
    """Folders of another database are kept as long as alerts are."""
    files = AlertFiles(tmp_path / "alerts")
    files.open()
    now = 10_000_000.0
    for alert_id, age_s in {"known": 2 * DAY_S, "old": 2 * DAY_S, "recent": 2 * ORPHANED_S, "new": 0.0}.items():
        files.write(files.snapshot(alert_id), b"picture")
        half = files.incoming_clip(alert_id)
        half.write_bytes(b"half")
        for path in (half, half.parent):
            os.utime(path, (now - age_s, now - age_s))
    swept = files.sweep({"known"}, keep_s=DAY_S, now=now)
    assert swept.kept == 1
    assert sorted(path.name for path in files.folder.iterdir()) == ["known", "new", "recent"]
    assert [path.name for path in files.folder.glob("*/.*")] == [".clip.mp4"]
    assert files.snapshot("known").read_bytes() == b"picture"


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """Pictures of people are nobody else's business."""
    files = AlertFiles(tmp_path / "alerts")
    files.open()
    files.write(files.snapshot("one"), b"picture")
    assert (files.folder.stat().st_mode | files.snapshot("one").parent.stat().st_mode) & 0o077 == 0
    assert files.size("one") == 7
    files.remove("one")
    files.remove("one")
    assert files.size("one") == 0
