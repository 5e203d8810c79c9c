"""`sightline replay`: says which alerts recorded video would have made, with the rules of live video."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.alerts.rules import AlertRule
from server.commands.exit_codes import INTERRUPTED, OK
from server.commands.progress import Progress
from server.commands.replay_report import ReplayReport
from server.config.alert_rule import alert_rule
from server.config.rules_file import read_rules
from server.config.settings import Settings
from server.domain.errors import InvalidRequest
from server.domain.region import NO_MASK
from server.inference.pool import DetectorPool
from server.media.jpeg import encode_i420
from server.media.whole_file import whole_file
from server.pipeline.annotator import BoxAnnotator
from server.training.clip_checks import ClipChecker
from server.training.clip_files import check_headers, find_clips, read_raised
from server.training.clip_replay import ClipReplay, ReplayedAlert, ReplayedClip
from server.web.configured_model import detector_workers, load_configured_model

SNAPSHOT_QUALITY = 90


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What is to be replayed; `out` None writes no pictures."""

    videos: tuple[Path, ...]
    gun_free: frozenset[Path]
    raised_s: Mapping[str, float]
    rule: AlertRule
    out: Path | None


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Replays, prints, and returns the exit code; raises InvalidRequest, ModelError and SettingsError."""
    pool: DetectorPool | None = None
    try:
        workers = detector_workers(settings)
        detector = load_configured_model(settings, streams=workers)
        order = _order(settings, arguments, confidence=detector.info.confidence)
        pool = DetectorPool(detector, workers=workers)
        done: list[ReplayedClip] = []
        try:
            _replay_all(order, pool, done=done)
        except KeyboardInterrupt:
            pass  # what was replayed whole is told
        complete = len(done) == len(order.videos)
        report = ReplayReport(done, order.rule, pool.info, complete=complete)
    finally:
        if pool is not None:
            pool.close()
    print(report.in_form(arguments.format))  # noqa: T201 - the answer to the person at the terminal
    return OK if complete else INTERRUPTED


def _order(settings: Settings, arguments: argparse.Namespace, *, confidence: float) -> ReplayOrder:
    """Reads all that is named before anything is run: hours of footage take hours."""
    gun_free = find_clips(arguments.gun_free) if arguments.gun_free else []
    sources = [*arguments.videos, *map(str, gun_free)]
    if not sources:
        raise InvalidRequest("replay needs videos")
    videos = find_clips(sources)
    check_headers(videos)
    raised_s = read_raised(Path(arguments.raised), clips=videos) if arguments.raised else {}
    if both := sorted(path.name for path in gun_free if path.name in raised_s):
        raise InvalidRequest(f"{', '.join(both)}: is gun-free, and has a firearm raised in it")
    rules, mask = read_rules(Path(arguments.rules)) if arguments.rules else (settings.alerts, NO_MASK)
    return ReplayOrder(
        videos=tuple(videos),
        gun_free=frozenset(gun_free),
        raised_s=raised_s,
        rule=alert_rule(rules, mask=mask, confidence=confidence),
        out=Path(arguments.out) if arguments.out else None,
    )


def _replay_all(order: ReplayOrder, pool: DetectorPool, *, done: list[ReplayedClip]) -> None:
    annotator = BoxAnnotator(pool.info.labels)
    progress = Progress(None, stream=sys.stderr)
    # One for all: it knows a copy of what was replayed before.
    checker = ClipChecker(pool, imgsz=pool.info.imgsz, on_checked=lambda: progress.advance())  # noqa: PLW0108 - of the video under way
    for path in order.videos:
        clip = ReplayedClip(path.name, raised_s=order.raised_s.get(path.name), gun_free=path in order.gun_free)
        progress = Progress(None, stream=sys.stderr, title=path.name, unit=" frames")

        def keep(alert: ReplayedAlert, name: str = path.name) -> None:
            if order.out is not None:
                _write_picture(
                    alert, order.out / f"{name}-{alert.time_s:08.2f}s-{alert.best.track_id}.jpg", annotator=annotator
                )

        try:
            ClipReplay(clip, rule=order.rule, on_alert=keep).replay(checker, path)
        finally:
            progress.close()
        done.append(clip)


def _write_picture(alert: ReplayedAlert, path: Path, *, annotator: BoxAnnotator) -> None:
    """Writes the frame in which the object was seen best, with its boxes."""
    if alert.snapshot is None:
        return
    frame, shown = alert.snapshot
    try:
        with whole_file(path) as file:
            file.write(encode_i420(annotator.annotate(frame, shown).pixels, quality=SNAPSHOT_QUALITY))
    except OSError as exc:
        raise InvalidRequest(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    alert.picture = path.name
