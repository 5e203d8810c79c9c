"""The alert rule of one source: the settings, with what its camera has instead."""

from server.alerts.rules import AlertRule
from server.config.watching import Alerts
from server.domain.camera import SERVERS_RULE, CameraRule
from server.domain.region import NO_MASK, Mask


def alert_rule(settings: Alerts, camera: CameraRule = SERVERS_RULE, *, mask: Mask = NO_MASK, confidence: float) -> AlertRule:
    """Joins both; raises InvalidRequest for a rule that cannot be met.

    A camera that has one of `hits` and `frames` keeps the other: where they do not fit each other, frames grow with the hits
    and hits shrink with the frames.
    """
    hits = settings.hits if camera.hits is None else camera.hits
    frames = settings.frames if camera.frames is None else camera.frames
    if camera.frames is None:
        frames = max(frames, hits)
    elif camera.hits is None:
        hits = min(hits, frames)
    return AlertRule(
        confidence=confidence,
        hits=hits,
        frames=frames,
        min_size_px=settings.min_size_px if camera.min_size_px is None else camera.min_size_px,
        mask=mask,
        cooldown_s=settings.cooldown_s if camera.cooldown_s is None else camera.cooldown_s,
        rearm_s=settings.rearm_s,
    )
