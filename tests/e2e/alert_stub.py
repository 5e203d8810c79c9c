"""A server's answers about alerts for a page, as the API gives them: states that a real server reaches late or seldom."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
from playwright.async_api import Page, Route, expect

from tests.scenes import draw_firearm
from tests.video_clips import make_clip

Answers = dict[str, Any]

_EVENTS = """
window.EventSource = class extends EventTarget {
  readyState = 1;
  constructor(url) { super(); this.url = url; window.__events = this; setTimeout(() => this.dispatchEvent(new Event("open"))); }
  close() {}
};
Object.assign(window.EventSource, { OPEN: 1, CLOSED: 2 });
window.__ages = { cameras: [] };
window.__push = (name, data) => {
  if (name === "camera_ages") window.__ages = data;
  window.__events?.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
};
setInterval(() => window.__ages && window.__push("camera_ages", window.__ages), 1000);
"""


def iso(seconds_ago: float) -> str:
    """A moment as the API writes it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat().replace("+00:00", "Z")


def make_delivery(channel: str, *, event: str = "candidate", state: str = "sent", **fields: Any) -> Answers:
    """One delivery, in 0.4 s unless said otherwise."""
    delivery = {
        "id": f"{channel}-{event}", "channel": channel, "event": event, "state": state, "unsure": False, "attempts": 1,
        "next_try_at": None, "sent_at": None, "error": None, "after_s": 0.4 if state == "sent" else None,
    }  # fmt: skip
    return delivery | fields


def make_alert(name: str, *, ago_s: float = 10, **fields: Any) -> Answers:
    """One waiting alert of the camera `name`, with a clip of ten seconds."""
    key = name.lower().replace(" ", "-")
    (x1, y1, x2, y2), *_ = draw_firearm().boxes
    alert = {
        "id": f"alert-{key}", "state": "candidate", "stream": key, "camera": key, "source": {"name": name, "kind": "camera"},
        "label": "firearm", "confidence": 0.93, "track_id": 3, "box": {"x1": x1, "y1": y1, "x2": x2, "y2": y2},
        "width": 640, "height": 480, "hits": 18, "frames": 20, "in_view_s": 3.1, "opened_at": iso(ago_s),
        "expires_at": iso(ago_s - 900), "decided_at": None, "decided_by": None, "decided_zone": None, "reason": None,
        "note": None, "clip": "ready", "clip_start_s": -5.0, "clip_duration_s": 10.0, "deliveries": [],
    }  # fmt: skip
    return alert | fields


class AlertStub:
    """Answers for the page what a server with these alerts would, and pushes events to it.

    `asked` holds each verdict and note that was sent: method, path below `/api/alerts/`, and body. `refusal` is the status and
    problem of the next verdict instead of taking it.
    """

    def __init__(self, alerts: list[Answers], *, folder: Path, cameras: int = 6) -> None:
        self.alerts = {alert["id"]: alert for alert in alerts}
        self.asked: list[tuple[str, str, Answers]] = []
        self.refusal: tuple[int, Answers] | None = None
        self._cameras = [_camera(n) for n in range(cameras)]
        self._clip = make_clip(folder / "clip.mp4", frames=150, options={"preset": "ultrafast"}).read_bytes()
        self._snapshot = cv2.imencode(".jpg", draw_firearm().bgr)[1].tobytes()

    async def open(self, page: Page, url: str, *, address: str = "#/alerts") -> None:
        """Opens the page at an address and tells it which alerts wait."""
        await page.add_init_script(_EVENTS)
        await page.route("**/api/info", self._info)
        for pattern in ("**/api/alerts*", "**/api/alerts/**", "**/api/channels*", "**/api/channels/**"):
            await page.route(pattern, self._answer)
        await page.goto(f"{url}/{address}")
        await expect(page.locator("[data-place=alerts]").first).to_be_attached()
        await self.push(page, "alerts", {"alerts": [one for one in self.alerts.values() if one["state"] == "candidate"]})
        await self.push(page, "cameras", {"cameras": self._cameras})
        await self.push(page, "camera_ages", {"cameras": [{"id": "camera-0", "age_ms": 84, "fps": 25}]})

    async def push(self, page: Page, event: str, data: Answers) -> None:
        """Sends the page an event."""
        await page.evaluate("([name, data]) => window.__push(name, data)", [event, data])

    async def silence(self, page: Page) -> None:
        """Sends the page nothing any more, not even the ages of cameras, until they are pushed again."""
        await page.evaluate("window.__ages = null")

    async def add(self, page: Page, alert: Answers) -> None:
        """A new alert, or another state of one, comes to the page."""
        self.alerts[alert["id"]] = alert
        await self.push(page, "alert", alert)

    async def _info(self, route: Route) -> None:
        info = await (await route.fetch()).json()
        info["features"] = [*{*info["features"], "cameras", "alerts"}]
        info["alerts"] = {"sources": ["camera", "webcam"], "before_s": 5, "after_s": 5, "expire_s": 900, "keep_days": 30}
        await _json(route, info)

    async def _answer(self, route: Route) -> None:
        what, _, rest = route.request.url.partition("/api/")[2].partition("?")[0].partition("/")
        key, _, part = rest.partition("/")
        if what == "channels":
            channel = {"name": "mqtt", "kind": "mqtt", "target": "10.0.4.2", "last_sent_at": None, "last_error": None}
            await _json(route, {"sent": True, "after_s": 0.3} if key else {"channels": [channel]})
        elif not key:
            newest = sorted(self.alerts.values(), key=lambda alert: str(alert["opened_at"]), reverse=True)
            await _json(route, {"alerts": newest, "waiting": 0})
        elif route.request.method == "GET":
            await self._part(route, self.alerts[key], part)
        else:
            await self._change(route, self.alerts[key], part)

    async def _part(self, route: Route, alert: Answers, part: str) -> None:
        if part == "snapshot.jpg":
            await route.fulfill(content_type="image/jpeg", body=self._snapshot)
        elif part == "clip.mp4":
            await route.fulfill(content_type="video/mp4", body=self._clip)
        else:
            await _json(route, _detections(alert) if part else alert)

    async def _change(self, route: Route, alert: Answers, part: str) -> None:
        body = json.loads(route.request.post_data or "{}")
        self.asked.append((route.request.method, f"{alert['id']}/{part}".rstrip("/"), body))
        if self.refusal is not None:
            status, problem = self.refusal
            self.refusal = None
            await _json(route, problem, status=status)
            return
        words = {"confirm": "confirmed", "dismiss": "dismissed"}
        if part in words:
            alert |= {"state": words[part], "decided_by": "Ana", "decided_at": iso(0), "reason": body.get("reason")}
        if part in {"confirm", "dismiss", ""}:
            alert["note"] = body.get("note")
        await _json(route, alert)


def _camera(number: int) -> Answers:
    unknown: Answers = dict.fromkeys(("reason", "next_try_at", "snoozed_until", "last_alert", "width", "height", "codec"))
    unknown |= {"age_ms": None, "fps": None}
    address = f"rtsp://10.0.4.{number}/"
    return unknown | {"id": f"camera-{number}", "name": f"Camera {number}", "state": "live", "url": address, "since": iso(60)}


def _detections(alert: Answers) -> Answers:
    result = {"class": 0, "name": "firearm", "confidence": 0.9, "box": alert["box"], "track_id": 3}
    frames = [{"t": n / 10, "results": [result] if -7 <= n < 20 else []} for n in range(-50, 50)]
    return {"alert_at": 0, "width": 640, "height": 480, "frames": frames}


async def _json(route: Route, value: object, *, status: int = 200) -> None:
    await route.fulfill(status=status, content_type="application/json", body=json.dumps(value))
