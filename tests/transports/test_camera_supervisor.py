"""Tests of supervising a camera: on, off, and who is told, with a session that does as it is told and a clock of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from server.domain.camera import Camera, CameraState, CameraStatus, Span
from server.transports.camera_connection import Report
from server.transports.camera_supervisor import CameraSupervisor, SupervisorHooks

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = (Span(frozenset(range(7)), 18 * 60, 6 * 60),)


class Session:
    """A camera that is on."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self.report = report
        self.failed = False
        self.started = self.reconnected = False
        self.ended: str | None = None

    def start(self) -> None:
        """Notes it."""
        self.started = True

    def reconnect(self) -> None:
        """Notes it."""
        self.reconnected = True

    async def aclose(self, reason: str) -> None:
        """Notes it."""
        self.ended = reason


class Rig:
    """A supervisor with a clock that stands still until a test moves it."""

    def __init__(
        self, camera: Camera, *, now: datetime, lost_after_s: float = 60, told: bool = False, told_before: bool = False
    ) -> None:
        self.now = now.timestamp()
        self.sessions: list[Session] = []
        self.told: list[tuple[str, CameraStatus]] = []
        self.changes = 0
        hooks = SupervisorHooks(switch_on=self._on, switch_off=self._off, changed=self._changed, tell=self._tell)
        self.supervisor = CameraSupervisor(
            camera,
            hooks=hooks,
            time_zone=BERLIN,
            lost_after_s=lost_after_s,
            told=told,
            told_before=told_before,
            wall_clock=lambda: self.now,
        )

    def _on(self, _camera: Camera, report: Callable[[Report], None]) -> Session:
        self.sessions.append(Session(report))
        return self.sessions[-1]

    async def _off(self, session: Session, reason: str) -> None:
        await session.aclose(reason)

    def _changed(self, _camera: Camera) -> None:
        self.changes += 1

    def _tell(self, event: str, _camera: Camera, status: CameraStatus) -> None:
        self.told.append((event, status))

    async def look(self, *, later_s: float = 0) -> CameraStatus:
        """Moves the clock, and has the supervisor look."""
        self.now += later_s
        self.supervisor._look.set()
        for _ in range(5):
            await asyncio.sleep(0)
        return self.supervisor.status


def camera(*, schedule: tuple[Span, ...] = (), enabled: bool = True) -> Camera:
    """A camera."""
    return Camera(id="c", name="Door", url="rtsp://10.0.0.1/", schedule=schedule, enabled=enabled, created_at=0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A camera without a schedule, supervised at noon."""
    made = Rig(camera(), now=datetime(2026, 11, 2, 12, tzinfo=BERLIN))
    made.supervisor.start()
    await made.look()
    yield made
    await made.supervisor.aclose("the test ends")


async def test_follows_its_schedule() -> None:
    """Off at noon, on at six in the evening with a new session, off at six in the morning."""
    rig = Rig(camera(schedule=NIGHTS), now=datetime(2026, 11, 2, 12, tzinfo=BERLIN))
    rig.supervisor.start()
    status = await rig.look()
    assert (status.state, status.reason) == (CameraState.OFF, "Off by its schedule.")
    assert status.off_until == datetime(2026, 11, 2, 18, tzinfo=BERLIN).timestamp()
    assert rig.sessions == []
    await rig.look(later_s=6 * 3600)
    assert [session.started for session in rig.sessions] == [True]
    rig.sessions[0].report(Report(CameraState.LIVE))
    assert rig.supervisor.status.state is CameraState.LIVE
    status = await rig.look(later_s=12 * 3600)
    assert (status.state, rig.sessions[0].ended) == (CameraState.OFF, "Off by its schedule.")
    await rig.look(later_s=12 * 3600)
    assert len(rig.sessions) == 2
    await rig.supervisor.aclose("the test ends")
    assert rig.sessions[1].ended == "the test ends"


async def test_a_camera_that_is_switched_off() -> None:
    """It says so, and not when it will be back."""
    rig = Rig(camera(enabled=False), now=datetime(2026, 11, 2, 12, tzinfo=BERLIN))
    rig.supervisor.start()
    status = await rig.look()
    assert (status.state, status.reason, status.off_until) == (CameraState.OFF, "Switched off.", None)
    await rig.supervisor.aclose("the test ends")


async def test_tells_how_it_is(rig: Rig) -> None:
    """`since` is when the state began, `next_try_at` when it is tried again; each change is announced."""
    began = rig.now
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
    rig.now += 8
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No such path.", 16))
    status = rig.supervisor.status
    assert (status.since, status.next_try_at, status.reason) == (began, began + 24, "No such path.")
    changes = rig.changes
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No such path.", 16))
    assert rig.changes == changes
    rig.sessions[0].report(Report(CameraState.LIVE))
    assert (rig.supervisor.status.since, rig.supervisor.status.reason) == (began + 8, None)


async def test_tells_once_of_a_camera_that_stays_away(rig: Rig) -> None:
    """After a minute, whatever it went through meanwhile; and when it is back."""
    rig.sessions[0].report(Report(CameraState.LIVE))
    rig.sessions[0].report(Report(CameraState.STALLED, "No new picture.", 0.1))
    await rig.look(later_s=30)
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
    await rig.look(later_s=29)
    assert rig.told == []
    await rig.look(later_s=2)
    await rig.look(later_s=500)
    assert [(event, status.reason) for event, status in rig.told] == [("camera_lost", "No reply.")]
    rig.sessions[0].report(Report(CameraState.LIVE))
    assert [event for event, _ in rig.told] == ["camera_lost", "camera_back"]


async def test_a_short_absence_is_nobodys_business(rig: Rig) -> None:
    """What comes back within the minute is not told of, and the next absence counts anew."""
    for _ in range(3):
        rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
        await rig.look(later_s=50)
        rig.sessions[0].report(Report(CameraState.LIVE))
    await rig.look(later_s=50)
    assert rig.told == []


async def test_a_camera_that_is_lost_when_its_schedule_ends_is_told_of_when_it_is_back() -> None:
    """Once, and that it is lost is not told again the next evening."""
    rig = Rig(camera(schedule=NIGHTS), now=datetime(2026, 11, 2, 18, tzinfo=BERLIN))
    rig.supervisor.start()
    await rig.look()
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
    await rig.look(later_s=61)
    assert (await rig.look(later_s=12 * 3600)).state is CameraState.OFF
    await rig.look(later_s=12 * 3600)
    rig.sessions[1].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
    await rig.look(later_s=61)
    assert [event for event, _ in rig.told] == ["camera_lost"]
    rig.sessions[1].report(Report(CameraState.LIVE))
    assert [event for event, _ in rig.told] == ["camera_lost", "camera_back"]
    await rig.supervisor.aclose("the test ends")


async def test_what_an_earlier_run_has_told_is_told_anew_or_taken_back() -> None:
    """Its newest message may be old: a camera that stays away is lost all the same, and one that is there is back."""
    lost, back = (Rig(camera(), now=datetime(2026, 11, 2, 12, tzinfo=BERLIN), told_before=True) for _ in range(2))
    for rig in (lost, back):
        rig.supervisor.start()
        await rig.look()
    lost.sessions[0].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
    await lost.look(later_s=61)
    assert [event for event, _ in lost.told] == ["camera_lost"]
    back.sessions[0].report(Report(CameraState.LIVE))
    assert [event for event, _ in back.told] == ["camera_back"]
    for rig in (lost, back):
        await rig.supervisor.aclose("the test ends")


async def test_a_supervisor_knows_what_its_predecessor_has_told() -> None:
    """People wait to hear that the camera is back, and not again that it is lost."""
    rig = Rig(camera(), now=datetime(2026, 11, 2, 12, tzinfo=BERLIN), told=True)
    rig.supervisor.start()
    await rig.look()
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "No reply.", 8))
    await rig.look(later_s=61)
    assert (rig.told, rig.supervisor.told) == ([], True)
    rig.sessions[0].report(Report(CameraState.LIVE))
    assert ([event for event, _ in rig.told], rig.supervisor.told) == (["camera_back"], False)
    await rig.supervisor.aclose("the test ends")


async def test_a_session_that_fails_gets_a_successor(rig: Rig) -> None:
    """A fault of ours ends no camera for good."""
    rig.sessions[0].failed = True
    rig.sessions[0].report(Report(CameraState.UNREACHABLE, "Watching it failed."))
    await rig.look()
    assert rig.sessions[0].ended == "it failed"
    await rig.look()
    assert [session.started for session in rig.sessions] == [True, True]


async def test_connects_anew_when_asked(rig: Rig) -> None:
    """The session does it."""
    rig.supervisor.reconnect()
    assert rig.sessions[0].reconnected
