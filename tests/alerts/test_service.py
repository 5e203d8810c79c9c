"""Tests of the alert service: one candidate at once, better known while its object stays, and a verdict for everybody."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.alerts.book import AlertChanged, AlertRemoved
from server.alerts.service import MOST_UNWRITTEN
from server.domain.alert import AlertState, ClipState, SourceKind
from server.domain.camera import Camera
from server.domain.delivery import Event
from server.domain.errors import Conflict, NotFound
from server.storage.database import open_database, sqlite_url
from server.storage.deliveries import DeliveryRecords
from tests.alerts.watched import HERE, OPTIONS, THERE, WALL_START_S, Source, Watched, seen, watched


def events_of(rig: Watched, folder: Path, alert_id: str) -> list[Event]:
    """What the channel is told of an alert, in its order."""
    database = open_database(sqlite_url(folder / "records.db"))
    try:
        return [one.event for one in DeliveryRecords(database).of_subject(alert_id)]
    finally:
        database.close()


async def test_a_candidate_is_written_with_its_pictures_and_messages(tmp_path: Path) -> None:
    """As soon as the rule is met; times are those of the wall."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        assert alert.state is AlertState.CANDIDATE
        assert (alert.stream_id, alert.camera_id, alert.source_name) == ("gate", None, "the gate's webcam")
        assert (alert.source_kind, alert.label, alert.xyxy, alert.hits, alert.frames) == (
            SourceKind.WEBCAM,
            "firearm",
            HERE,
            3,
            5,
        )
        assert alert.opened_at == pytest.approx(WALL_START_S + 0.3)
        assert alert.expires_at == pytest.approx(alert.opened_at + OPTIONS.expire_s)
        assert alert.in_view_s == pytest.approx(0.2)
        clean, drawn = (cv2.imread(str(path(alert.id))) for path in (rig.files.snapshot, rig.files.annotated))
        assert clean is not None
        assert drawn is not None
        assert clean.shape == drawn.shape == (48, 64, 3)
        assert np.ptp(clean) < 10 < np.ptp(drawn)
        assert alert.size_bytes == rig.files.size(alert.id)
        assert events_of(rig, tmp_path, alert.id) == [Event.CANDIDATE]
        await rig.eventually(lambda: rig.service.stats().waiting)
        assert rig.woken == 1
        assert rig.service.stats().by_state["candidate"] == 1


async def test_an_object_that_stays_makes_its_alert_better(tmp_path: Path) -> None:
    """The most confident frame is the picture, also when the tracker has given the object another id; it is one alert."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source, seen(1, confidence=0.5))
        rig.see(source, seen(2, confidence=0.95), value=200)
        rig.see(source, seen(2, confidence=0.7), frames=9)
        better = await rig.until(lambda one: one.confidence == 0.95)
        assert better.id == alert.id
        assert better.hits == 5
        assert better.in_view_s == pytest.approx(1.2)
        picture = cv2.imread(str(rig.files.snapshot(alert.id)))
        assert picture is not None
        assert picture.mean() > 180
        assert len(rig.records.find()) == 1


async def test_what_comes_after_a_pause_is_another_alert(tmp_path: Path) -> None:
    """The first one ends with the last frame that shows its object."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        first = await rig.alert_of(source)
        rig.see(source, frames=15)
        second = await rig.alert_of(source, seen(7, confidence=0.99))
        assert second.id != first.id
        assert (await rig.service.get(first.id)).confidence == 0.8


async def test_a_verdict_goes_to_whoever_was_told(tmp_path: Path) -> None:
    """After the candidate, once; the second person hears who was quicker."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        decided = await rig.service.confirm(alert.id, by="Ada", zone="Europe/Vienna", note="called 112")
        assert (decided.state, decided.decided_by, decided.decided_zone) == (AlertState.CONFIRMED, "Ada", "Europe/Vienna")
        assert (decided.decided_at, decided.note) == (rig.wall_s, "called 112")
        with pytest.raises(Conflict, match="Ada"):
            await rig.service.dismiss(alert.id, by="Bob", zone=None)
        with pytest.raises(NotFound):
            await rig.service.confirm("0" * 32, by="Bob", zone=None)
        assert events_of(rig, tmp_path, alert.id) == [Event.CANDIDATE, Event.CONFIRMED]
        told = [item.alert.state for item in rig.changes.items if isinstance(item, AlertChanged)]
        assert told[0] is AlertState.CANDIDATE
        assert told[-1] is AlertState.CONFIRMED
        assert (await rig.service.write_note(alert.id, "false report")).note == "false report"
        assert await rig.service.waiting() == rig.service.stats().waiting == 0


async def test_the_picture_stays_the_one_that_was_decided_on(tmp_path: Path) -> None:
    """What the person has not seen is not put in its place."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        await rig.service.confirm(alert.id, by="Ada", zone=None)
        before = rig.files.snapshot(alert.id).read_bytes()
        rig.see(source, seen(confidence=0.99), frames=20, value=220)
        after = await rig.until(lambda one: one.clip is ClipState.MISSING)
        assert after.confidence == 0.8
        assert rig.files.snapshot(alert.id).read_bytes() == before


async def test_a_dismissal_arms_the_rule_for_all_else(tmp_path: Path) -> None:
    """The dismissed object stays quiet, another one beside it alerts."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        await rig.service.dismiss(alert.id, by="Ada", zone=None, reason="umbrella")
        rig.see(source, seen(), frames=20)
        assert len(rig.records.find()) == 1
        second = await rig.alert_of(source, seen(), seen(2, at=THERE, confidence=0.6))
        assert second.track_id == 2
        assert [one.reason for one in rig.records.find()] == [None, "umbrella"]


async def test_nobody_answers(tmp_path: Path) -> None:
    """Then it expires, which everybody hears who was told; late verdicts are taken."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        await rig.service.expire()
        assert (await rig.service.get(alert.id)).state is AlertState.CANDIDATE
        rig.now_s += OPTIONS.expire_s
        await rig.service.expire()
        await rig.service.expire()
        assert (await rig.service.get(alert.id)).state is AlertState.EXPIRED
        await rig.service.dismiss(alert.id, by="Ada", zone=None)
        assert events_of(rig, tmp_path, alert.id) == [Event.CANDIDATE, Event.EXPIRED, Event.DISMISSED]
        assert rig.service.stats().by_state == {"candidate": 1, "confirmed": 0, "dismissed": 1, "expired": 1}


async def test_a_snoozed_camera_is_quiet_until_the_end(tmp_path: Path) -> None:
    """What is in view then alerts anew, though it did before."""
    async with watched(tmp_path) as rig:
        source = Source(id="c1", kind=SourceKind.CAMERA)
        rig.service.attach(source)
        rig.camera = Camera(id="c1", name="Gate", url="rtsp://10.0.0.1/", created_at=0)
        alert = await rig.alert_of(source)
        assert (alert.camera_id, alert.source_name) == ("c1", "Gate")
        rig.camera = Camera(id="c1", name="Gate", url="rtsp://10.0.0.1/", created_at=0, snoozed_until=rig.wall_s + 3)
        rig.see(source, seen(), frames=29)
        assert len(rig.records.find()) == 1
        await rig.alert_of(source)


async def test_a_rule_that_is_changed_holds_for_a_stream_that_runs(tmp_path: Path) -> None:
    """More frames are asked for than the watch remembered before."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        rig.rule = rig.rule.__class__(confidence=0.4, hits=8, frames=8)
        rig.see(source, frames=11)
        rig.see(source, seen(), frames=7)
        assert not rig.service.stats().waiting
        await rig.alert_of(source)


async def test_records_that_do_not_answer_lose_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Live video goes on; the candidate is written with its own time as soon as they do, and one line says so."""
    caplog.set_level("INFO")
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        rig.records.down = True
        rig.see(source, seen(), frames=3)
        await rig.eventually(lambda: "is tried again" in caplog.text)
        rig.see(source, seen(), frames=50)
        rig.records.down = False
        alert = await rig.until(lambda one: one.state is AlertState.CANDIDATE)
        assert alert.opened_at == pytest.approx(WALL_START_S + 0.3)
        assert caplog.text.count("is tried again") == 1


async def test_a_connection_that_breaks_behind_the_writing_tells_nobody_twice(tmp_path: Path) -> None:
    """The candidate is found to be there when it is tried again."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        rig.records.breaks_after_writing = True
        alert = await rig.alert_of(source)
        await rig.eventually(lambda: rig.woken)
        assert events_of(rig, tmp_path, alert.id) == [Event.CANDIDATE]
        assert rig.service.stats().lost == 0


async def test_what_waits_for_the_records_has_a_bound(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is above it is counted, and one line says that it is lost."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        rig.records.down = True
        for track in range(MOST_UNWRITTEN + 2):
            rig.see(source, seen(track + 1), frames=3)
            rig.see(source, frames=12)
        assert rig.service.stats().lost == 2
        assert caplog.text.count("further ones are lost") == 1
        rig.records.down = False
        await rig.until(lambda _: True, alert=MOST_UNWRITTEN - 1)
        assert len(rig.records.find(limit=None)) == MOST_UNWRITTEN


async def test_removes_what_is_decided_and_no_candidate(tmp_path: Path) -> None:
    """With its files, even while it is recorded."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        alert = await rig.alert_of(source)
        with pytest.raises(Conflict):
            await rig.service.remove(alert.id)
        assert rig.files.snapshot(alert.id).exists()
        await rig.service.dismiss(alert.id, by="Ada", zone=None)
        await rig.service.remove(alert.id)
        assert not rig.files.snapshot(alert.id).exists()
        assert rig.changes.items[-1] == AlertRemoved(alert.id)
        with pytest.raises(NotFound):
            await rig.service.get(alert.id)
        await rig.service.aclose()
        assert not rig.files.snapshot(alert.id).parent.exists()


async def test_a_detached_source_is_watched_no_more(tmp_path: Path) -> None:
    """Nothing of it is fed."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        rig.service.detach(source)
        rig.see(source, seen(), frames=10)
        assert not len(source.live.results)
        assert rig.service.stats().by_state["candidate"] == 0
