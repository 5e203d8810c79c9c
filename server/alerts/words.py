"""Words: what people are told of alerts and cameras, the same in every channel."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from server.domain.delivery import Event

TEST_TITLE = "This is a test. Nothing has happened."


def title_of(event: Event, payload: Mapping[str, Any], *, zone: tzinfo) -> str:
    """One sentence; before a person has confirmed it says "possible"."""
    if event is Event.TEST:
        return TEST_TITLE
    if event in (Event.CAMERA_LOST, Event.CAMERA_BACK):
        camera = payload.get("camera", {})
        what = "does not answer" if event is Event.CAMERA_LOST else "is back"
        return f"Camera {camera.get('name', '')} {what}"
    return _alert_title(event, payload.get("alert", {}), zone=zone)


def _alert_title(event: Event, alert: Mapping[str, Any], *, zone: tzinfo) -> str:
    label, place = str(alert.get("label", "object")), str(alert.get("source", {}).get("name", ""))
    at = datetime.fromisoformat(alert["opened_at"]).astimezone(zone).strftime("%H:%M:%S") if alert.get("opened_at") else ""
    where = ", ".join(part for part in (place, at) if part)
    if event is Event.CANDIDATE:
        return f"Possible {label}, {where}"
    if event is Event.EXPIRED:
        return f"Nobody answered: possible {label}, {where}"
    verdict = "Confirmed" if event is Event.CONFIRMED else "Dismissed"
    by = f" by {alert['decided_by']}" if alert.get("decided_by") else ""
    reason = f" ({alert['reason']})" if alert.get("reason") else ""
    return f"{verdict}{by}: {label}, {where}{reason}"
