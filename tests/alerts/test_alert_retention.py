"""Tests of the retention of alerts and of their files."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.alerts.book import AlertBook
from server.alerts.evidence import ORPHANED_S, AlertFiles
from server.alerts.retention import AlertRetention, due
from server.domain.alert import Alert, AlertState, ClipState
from server.storage.alerts import AlertRecords
from server.storage.database import Database, open_database, sqlite_url
from server.storage.deliveries import DeliveryRecords
from tests.alerts.watched import OPTIONS, START_S, WALL_START_S, Outbox, Source, seen, watched
from tests.builders import make_alert, make_delivery

DAY_S = 86_400.0


def opened_on(day: int, *, state: AlertState = AlertState.DISMISSED, size_bytes: int = 100) -> Alert:
    """An alert that was opened so many days after the epoch."""
    return make_alert(str(day), state=state, size_bytes=size_bytes, opened_at=day * DAY_S, expires_at=day * DAY_S)


@pytest.mark.parametrize(
    ("alerts", "max_bytes", "going"),
    [
        ([opened_on(1), opened_on(5), opened_on(9)], 1000, [1]),
        ([opened_on(9), opened_on(8), opened_on(7)], 200, [7]),
        ([opened_on(7, state=AlertState.CANDIDATE), opened_on(8), opened_on(9)], 200, [8]),
        ([opened_on(1, state=AlertState.CANDIDATE)], 0, []),
        ([opened_on(1, size_bytes=1000), opened_on(9)], 100, [1]),
        ([], 0, []),
    ],
)
def test_the_oldest_go_and_never_a_candidate(alerts: Sequence[Alert], max_bytes: int, going: list[int]) -> None:
    """After their time, or to make room; an open candidate takes room, too."""
    found = due(alerts, now=10 * DAY_S, keep_s=7 * DAY_S, max_bytes=max_bytes)
    assert [int(one.id) for one in found] == going


async def test_removes_the_files_with_the_alert(tmp_path: Path) -> None:
    """When its time is over; what waits for a person stays however old it is."""
    async with watched(tmp_path) as rig:
        source = Source()
        rig.service.attach(source)
        decided = await rig.alert_of(source)
        rig.see(source, frames=15)
        waits = await rig.alert_of(source, seen(2))
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
        rig.records.open(make_alert(expires_at=rig.wall_s + 60), [])
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


class Overtaken(AlertRecords):
    """Records in which the recordings that are `busy` write their clip down, and end, behind what is read."""

    def __init__(self, database: Database, *, busy: set[str]) -> None:
        super().__init__(database)
        self._busy = busy

    def find(self, **filters: Any) -> list[Alert]:
        """What was there before that."""
        found = super().find(**filters)
        while self._busy:
            self.update(self._busy.pop(), {"clip": ClipState.READY})
        return found


async def test_a_clip_that_is_finished_while_the_records_are_read_stays(tmp_path: Path) -> None:
    """What was read says that it is under way, and its recording has ended since."""
    files, busy = AlertFiles(tmp_path / "alerts"), {"a"}
    files.open()
    with closing(open_database(sqlite_url(tmp_path / "records.db"))) as database, ThreadPoolExecutor(1) as executor:
        records = Overtaken(database, busy=busy)
        records.open(make_alert("a"), [])
        book = AlertBook(records, executor=executor, outbox=Outbox(), wake=lambda: None)
        retention = AlertRetention(
            book=book,
            files=files,
            options=OPTIONS,
            io=executor,
            busy=lambda: tuple(busy),
            remove=book.remove,
            wall_clock=lambda: WALL_START_S,
            clock=lambda: START_S,
        )
        await retention.sweep()
        assert records.get("a").clip is ClipState.READY


async def test_forgets_old_messages_that_belong_to_nothing(tmp_path: Path) -> None:
    """Such as those about a camera that was removed; what is still to be told stays."""
    async with watched(tmp_path) as rig:
        with closing(open_database(sqlite_url(tmp_path / "records.db"))) as database:
            deliveries = DeliveryRecords(database)
            messages = [make_delivery(name, subject="yard", created_at=rig.wall_s) for name in ("told", "waits")]
            deliveries.add([(one, "{}") for one in messages])
            deliveries.failed("told", error="410")
            await rig.service.sweep()
            assert [one.id for one in deliveries.of_subject("yard")] == ["told", "waits"]
            rig.now_s += OPTIONS.keep_s + 1
            await rig.service.sweep()
            assert [one.id for one in deliveries.of_subject("yard")] == ["waits"]


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
    assert sorted(path.parent.name for path in files.folder.glob("*/.*")) == ["new", "recent"]
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
