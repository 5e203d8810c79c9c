"""Tests of replaying clips: the alerts that live video makes, whether from a camera or from a file."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from server.alerts.rules import AlertRule, AlertWatch
from server.domain.frame import Frame
from server.domain.live import LiveResult
from server.domain.region import Mask, Region, RegionKind
from server.inference.pool import DetectorPool
from server.media.video_reader import VideoReader
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.stream import Stream
from server.pipeline.tracker import ByteTracker
from server.training.clip_checks import ClipChecker
from server.training.clip_replay import ClipReplay, ReplayedAlert, ReplayedClip, false_alarms
from tests.builders import make_options
from tests.fakes import FakeDetector
from tests.training.test_clip_checks import write_clip

RULE = AlertRule(confidence=0.4, rearm_s=1)
# Ten pictures a second: seen, a flicker, seen once more after a pause.
REDS: tuple[int | None, ...] = (*[None] * 5, *range(0, 24, 2), *[None] * 15, 40, *[None] * 15, *range(20, 40, 2), *[None] * 3)
ALERTS_S = (0.7, 5.0)


@pytest.fixture
def pool() -> Iterator[DetectorPool]:
    """A pool whose detector finds red."""
    pool = DetectorPool(FakeDetector(), workers=2)
    yield pool
    pool.close()


def replayed(pool: DetectorPool, path: Path, rule: AlertRule = RULE) -> tuple[ReplayedClip, list[ReplayedAlert]]:
    """The clip, and its alerts in the order in which they were handed over."""
    clip, handed = ReplayedClip(path.name), list[ReplayedAlert]()
    ClipReplay(clip, rule=rule, on_alert=handed.append).replay(ClipChecker(pool, imgsz=320), path)
    return clip, handed


class Recorded:
    """A source that plays a file as a camera would, and waits for the result of each frame."""

    def __init__(self, path: Path) -> None:
        self.lost = 0
        self.taken = asyncio.Event()
        self._frames = [replace(one.frame, received_at=one.frame.pts_s) for one in VideoReader(path).frames()]

    async def frames(self) -> AsyncIterator[Frame]:
        """Yields them in order."""
        for frame in self._frames:
            yield frame
            await self.taken.wait()
            self.taken.clear()


class WatchSink:
    """What the alerts of a live stream begin with: a watch on its results."""

    def __init__(self, source: Recorded, rule: AlertRule) -> None:
        self._source = source
        self._watch = AlertWatch(rule)
        self.alerts_s: list[float] = []

    def put(self, item: LiveResult) -> None:
        """Takes one result."""
        frame = item.frame
        met = self._watch.update(item.detections, time_s=frame.received_at, width=frame.width, height=frame.height)
        self.alerts_s += [frame.received_at for _ in met]
        self._source.taken.set()


async def test_a_recording_gives_the_same_alerts_live_and_replayed(pool: DetectorPool, tmp_path: Path) -> None:
    """Through the live stream with its tracker, and from the file."""
    path = write_clip(tmp_path / "clip.mp4", REDS)
    source = Recorded(path)
    sink = WatchSink(source, RULE)
    with ThreadPoolExecutor(1) as renderer:
        stream = Stream(
            id="a",
            name="a",
            pool=pool,
            tracker=ByteTracker(),
            annotator=BoxAnnotator(pool.info.labels),
            options=make_options(confidence=RULE.confidence),
            renderer=renderer,
        )
        stream.results.subscribe(sink)
        await stream.run(source)
    clip, _ = await asyncio.to_thread(replayed, pool, path)
    assert sink.alerts_s == [one.time_s for one in clip.alerts] == pytest.approx(ALERTS_S)


def test_an_alert_tells_the_object_at_its_best(pool: DetectorPool, tmp_path: Path) -> None:
    """With how many frames showed it, and a snapshot that is kept no longer than needed."""
    frames: list[Frame] = []

    def keep(alert: ReplayedAlert) -> None:
        assert alert.snapshot is not None
        frames.append(alert.snapshot[0])

    clip = ReplayedClip("clip.mp4")
    path = write_clip(tmp_path / "clip.mp4", REDS)
    ClipReplay(clip, rule=RULE, on_alert=keep).replay(ClipChecker(pool, imgsz=320), path)
    assert [one.hits for one in clip.alerts] == [12, 10]
    assert len(frames) == 2
    assert all(one.snapshot is None for one in clip.alerts)
    assert (clip.frames, clip.duration_s) == pytest.approx((len(REDS), len(REDS) / 10))


@pytest.mark.parametrize(
    ("rule", "alerts_s"),
    [
        (replace(RULE, cooldown_s=60), ALERTS_S[:1]),
        (replace(RULE, rearm_s=60), ALERTS_S[:1]),
        (replace(RULE, min_size_px=32), ()),
        (replace(RULE, hits=11, frames=11), (1.5,)),
        (replace(RULE, mask=Mask((Region(RegionKind.IGNORE, ((0, 0), (0.5, 0), (0.5, 1), (0, 1))),))), (5.3,)),
    ],
)
def test_each_part_of_a_rule_is_applied(rule: AlertRule, alerts_s: Sequence[float], pool: DetectorPool, tmp_path: Path) -> None:
    """Cool-down, re-arming, size, frames and mask."""
    clip, _ = replayed(pool, write_clip(tmp_path / "clip.mp4", REDS), rule)
    assert [one.time_s for one in clip.alerts] == pytest.approx(alerts_s)


def test_only_gun_free_footage_makes_false_alarms(pool: DetectorPool, tmp_path: Path) -> None:
    """A copy adds neither alerts nor hours."""
    path = write_clip(tmp_path / "clip.mp4", REDS)
    checker = ClipChecker(pool, imgsz=320)
    clips = [ReplayedClip(name, gun_free=name != "gun.mp4") for name in ("free.mp4", "copy.mp4", "gun.mp4")]
    for clip in clips:
        ClipReplay(clip, rule=RULE, on_alert=lambda _: None).replay(checker, path)
    rate = false_alarms(clips)
    assert rate.count == 2
    assert rate.hours == pytest.approx(clips[0].distinct_s / 3600)
    assert clips[1].distinct_s == 0


def test_times_to_alert_run_from_the_raising() -> None:
    """An alert before it is early."""
    clip = ReplayedClip("gun.mp4", raised_s=3.0)
    clip.alerts = [ReplayedAlert(at, None, None, 3, at, None) for at in (1.0, 3.5, 9.0)]  # type: ignore[arg-type]  # not looked at
    assert (clip.time_to_alert_s, [one.time_s for one in clip.early]) == (0.5, [1.0])
