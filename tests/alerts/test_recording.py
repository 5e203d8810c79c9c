"""Tests of recordings: the clip and the detections around an alert."""

from dataclasses import replace
from pathlib import Path
from threading import Event

import msgspec
import pytest

from server.alerts import recording
from server.domain.alert import ClipState
from server.domain.detection import Box
from tests.alerts.watched import HERE, OPTIONS, Ring, Source, seen, watched

NEARBY: Box = (12, 10, 32, 20)


async def test_the_clip_begins_before_the_alert_and_ends_after_it(tmp_path: Path) -> None:
    """It is made when its last second has come, and the detections are those of its span."""
    async with watched(tmp_path) as rig:
        source = Source(ring=Ring())
        rig.service.attach(source)
        rig.see(source, frames=40)
        alert = await rig.alert_of(source)
        assert alert.clip is ClipState.PENDING
        rig.see(source, seen(confidence=0.7), frames=11)
        ready = await rig.until(lambda one: one.clip is ClipState.READY)
        assert ready.clip_start_s == pytest.approx(-OPTIONS.before_s, abs=0.11)
        assert ready.clip_duration_s == pytest.approx(OPTIONS.before_s + OPTIONS.after_s, abs=0.25)
        assert rig.files.clip(alert.id).read_bytes().endswith(b"packets")
        assert ready.size_bytes == rig.files.size(alert.id)
        found = msgspec.json.decode(rig.files.detections(alert.id).read_bytes())
        assert (found["alert_at"], found["width"], found["height"]) == (0, 64, 48)
        times = [frame["t"] for frame in found["frames"]]
        assert times[0] == pytest.approx(ready.clip_start_s, abs=0.01)
        assert times[-1] == pytest.approx(1.1)
        assert [len(frame["results"]) for frame in found["frames"] if frame["t"] >= -0.21] == [1] * 14
        box = {"x1": 10, "y1": 10, "x2": 30, "y2": 20}
        assert found["frames"][-1]["results"] == [{"class": 0, "name": "firearm", "confidence": 0.7, "box": box, "track_id": 1}]


async def test_a_session_that_ends_has_its_clip_of_what_there_is(tmp_path: Path) -> None:
    """Whoever walks out with the camera is still to be seen."""
    async with watched(tmp_path) as rig:
        source = Source(ring=Ring())
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        rig.service.detach(source)
        ready = await rig.until(lambda one: one.clip is ClipState.READY)
        assert ready.id == alert.id
        assert ready.clip_duration_s == pytest.approx(0.2)


async def test_the_end_of_the_server_waits_for_the_clip(tmp_path: Path) -> None:
    """A drain cuts it short, and does not lose it."""
    async with watched(tmp_path) as rig:
        source = Source(ring=Ring())
        rig.service.attach(source)
        await rig.alert_of(source)
        await rig.service.aclose()
        assert rig.records.find()[0].clip is ClipState.READY


@pytest.mark.parametrize("ring", [None, Ring()])
async def test_a_clip_that_cannot_be_made_is_missing(tmp_path: Path, ring: Ring | None) -> None:
    """Of a source without video, and when the maker fails; the detections are there."""
    async with watched(tmp_path) as rig:
        rig.clips.fails = True
        source = Source(ring=ring)
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        rig.now_s += OPTIONS.after_s
        missing = await rig.until(lambda one: one.clip is ClipState.MISSING)
        assert missing.clip_start_s is None
        assert rig.files.detections(alert.id).exists()
        assert not rig.files.clip(alert.id).exists()


async def test_records_that_come_back_hear_of_the_clip(tmp_path: Path) -> None:
    """It is written down when they answer again."""
    async with watched(tmp_path) as rig:
        source = Source(ring=Ring())
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        rig.records.down = True
        rig.now_s += OPTIONS.after_s
        await rig.eventually(rig.files.clip(alert.id).exists)
        rig.records.down = False
        await rig.until(lambda one: one.clip is ClipState.READY)


async def test_pictures_that_take_long_keep_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The candidate is told without them, and they come later."""
    monkeypatch.setattr(recording, "PICTURE_WAIT_S", 0.01)
    async with watched(tmp_path) as rig:
        busy = Event()
        for _ in range(2):
            rig.pool.submit(busy.wait)
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        assert not rig.files.snapshot(alert.id).exists()
        busy.set()
        rig.now_s += 1
        await rig.eventually(rig.files.annotated(alert.id).exists)
        await rig.until(lambda one: one.size_bytes == rig.files.size(alert.id))


async def test_what_became_known_last_is_written_when_the_records_come_back(tmp_path: Path) -> None:
    """The object has gone by then."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        await rig.alert_of(source)
        rig.records.down = True
        rig.see(source, seen(confidence=0.95), frames=5)
        rig.see(source, frames=20)
        await rig.eventually(lambda: any(one.get("confidence") == 0.95 for one in rig.records.refused))
        rig.records.down = False
        better = await rig.until(lambda one: one.confidence == 0.95)
        assert better.in_view_s == pytest.approx(0.7)


async def test_a_verdict_leaves_picture_and_box_of_one_frame(tmp_path: Path) -> None:
    """Of a better frame that was not written yet when the person decided nothing is in the record."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        before = rig.files.snapshot(alert.id).read_bytes()
        rig.see(source, seen(at=NEARBY, confidence=0.95), frames=2, value=220)
        await rig.service.confirm(alert.id, by="Ada", zone=None)
        after = await rig.until(lambda one: one.in_view_s > alert.in_view_s)
        assert (after.confidence, after.xyxy) == (0.8, HERE)
        assert rig.files.snapshot(alert.id).read_bytes() == before


async def test_a_better_picture_that_cannot_be_written_is_not_described(tmp_path: Path) -> None:
    """The record stays with the picture that there is, until the better one is written."""
    async with watched(tmp_path, options=replace(OPTIONS, after_s=60)) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        folder, away = rig.files.folder / alert.id, rig.files.folder / "away"
        folder.rename(away)
        folder.touch()
        rig.see(source, seen(at=NEARBY, confidence=0.95), frames=12)
        kept = await rig.until(lambda one: one.hits > alert.hits)
        assert (kept.confidence, kept.xyxy) == (0.8, HERE)
        folder.unlink()
        away.rename(folder)
        rig.see(source, seen(at=NEARBY, confidence=0.7), frames=12)
        better = await rig.until(lambda one: one.confidence == 0.95)
        assert better.xyxy == NEARBY


async def test_pictures_that_cannot_be_written_keep_nobody_from_being_told(tmp_path: Path) -> None:
    """A full disk is no reason for silence."""
    async with watched(tmp_path) as rig:
        rig.files.folder.rmdir()
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        assert alert.size_bytes == 0
