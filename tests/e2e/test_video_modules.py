"""Modules of the place Video in a real browser: what only an order of events shows that no person can bring about."""

import asyncio
import json

import pytest
from playwright.async_api import Page, Route

from tests.e2e.browser import RunningServer, open_place

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LISTED = {
    "videos": [{"id": name, "name": name, "state": "done", "created_at": "2026-11-27T01:36:27Z"} for name in ("kept", "gone")],
    "limits": {"max_bytes": 1, "max_duration_s": 1, "max_pixels": 1},
}
LOAD = """async () => {
  const { Videos } = await import("/static/js/videos.js");
  const takers = new Map();
  window.takers = takers;
  window.videos = new Videos({ on: (name, take) => takers.set(name, take) }, () => {});
  window.loading = window.videos.load();
}"""
READ = """async () => {
  const { FrameReader } = await import("/static/js/frame-reader.js");
  const added = new Map();
  const count = (type, by) => added.set(type, (added.get(type) ?? 0) + by);
  const real = EventTarget.prototype.addEventListener;
  HTMLVideoElement.prototype.addEventListener = function (type, take, options) {
    count(type, 1);
    options?.signal?.addEventListener("abort", () => count(type, -1));
    return real.call(this, type, take, options);
  };
  const reader = new FrameReader();
  reader.open("/never.mp4");
  reader.get(1, () => {});
  const during = Object.fromEntries(added);
  reader.close();
  for (let step = 0; step < 20; step++) await null;
  return [during, Object.fromEntries(added)];
}"""
SEEK = """async () => {
  const { FrameReader } = await import("/static/js/frame-reader.js");
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "currentTime");
  Object.defineProperty(HTMLVideoElement.prototype, "currentTime", {
    get,
    set(t) {
      set.call(this, t);
      queueMicrotask(() => this.dispatchEvent(new Event("seeked")));
    },
  });
  const reader = new FrameReader();
  reader.open("/static/sample.webm");
  const drawn = (t) => new Promise((resolve) => reader.get(t, (video) => resolve([video.seeking, video.currentTime])));
  const pictures = await Promise.all([drawn(1), drawn(0.5)]);
  reader.close();
  return pictures;
}"""


async def test_a_video_removed_while_the_list_arrives_stays_removed(page: Page, server: RunningServer) -> None:
    """The list was made before; what the events say is newer."""
    await open_place(page, server)
    asked, answered = asyncio.Event(), asyncio.Event()

    async def answer(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.fulfill(content_type="application/json", body=json.dumps(LISTED))

    await page.route("**/api/videos", answer)
    await page.evaluate(LOAD)
    await asked.wait()
    await page.evaluate("""() => window.takers.get("video_removed")({ id: "gone" })""")
    answered.set()
    names = await page.evaluate("async () => { await window.loading; return window.videos.files.map((file) => file.name); }")
    assert names == ["kept"]


async def test_closing_ends_a_read_at_once_and_leaves_no_listener(page: Page, server: RunningServer) -> None:
    """A video that never comes must not hold up the next one."""
    await open_place(page, server)
    await page.route("**/never.mp4", lambda _: None)
    assert await page.evaluate(READ) == [{"loadedmetadata": 1, "error": 1}, {"loadedmetadata": 0, "error": 0}]


async def test_the_end_of_another_seek_is_not_taken_for_the_picture(page: Page, server: RunningServer) -> None:
    """A seek that was given up may tell its end while the next one is under way."""
    await open_place(page, server)
    assert await page.evaluate(SEEK) == [[False, 1], [False, 0.5]]
