"""Tests of the rule of one source: the settings, and what a camera has instead."""

import pytest

from server.alerts.rules import AlertRule
from server.config.alert_rule import alert_rule
from server.config.watching import Alerts
from server.domain.camera import CameraRule
from server.domain.errors import InvalidRequest
from server.domain.region import Mask, Region, RegionKind

MASK = Mask((Region(RegionKind.IGNORE, ((0, 0), (1, 0), (1, 1))),))


def test_a_source_without_a_rule_has_that_of_the_settings() -> None:
    """Webcams and publishers, and cameras that were given none."""
    settings = Alerts(hits=4, frames=8, min_size_px=9, cooldown_s=7, rearm_s=3)
    assert alert_rule(settings, confidence=0.35) == AlertRule(
        confidence=0.35, hits=4, frames=8, min_size_px=9, cooldown_s=7, rearm_s=3
    )


def test_a_camera_wins_where_it_says_something() -> None:
    """Zero is something."""
    camera = CameraRule(hits=1, frames=2, min_size_px=0, cooldown_s=0)
    rule = alert_rule(Alerts(min_size_px=9, rearm_s=3), camera, mask=MASK, confidence=0.5)
    assert rule == AlertRule(confidence=0.5, hits=1, frames=2, min_size_px=0, cooldown_s=0, rearm_s=3, mask=MASK)


@pytest.mark.parametrize(("camera", "expected"), [(CameraRule(hits=8), (8, 8)), (CameraRule(frames=2), (2, 2))])
def test_half_a_rule_takes_the_other_half_along(camera: CameraRule, expected: tuple[int, int]) -> None:
    """Eight hits of the settings' five frames could never be met."""
    rule = alert_rule(Alerts(), camera, confidence=0.5)
    assert (rule.hits, rule.frames) == expected


def test_a_camera_rule_that_cannot_be_met_is_refused() -> None:
    """Where both are said it is meant."""
    with pytest.raises(InvalidRequest, match="never be met"):
        alert_rule(Alerts(), CameraRule(hits=5, frames=3), confidence=0.5)
