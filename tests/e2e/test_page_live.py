"""Live in a real browser: a person sees what the detector sees, in their own camera."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.browser import RunningServer, eventually, go_live, no_streams, open_place

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ORANGE_PIXELS = """() => {
  const video = document.querySelector("video.live");
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (Math.abs(data[at] - 255) < 30 && Math.abs(data[at + 1] - 107) < 40 && Math.abs(data[at + 2] - 53) < 40) count += 1;
  }
  return count;
}"""
PICTURES = "document.querySelector('video.live').getVideoPlaybackQuality().totalVideoFrames"


async def boxes_are_drawn(page: Page) -> bool:
    """Whether the orange of class 0 is in the played picture: an edge and a label are far more than 500 pixels."""
    return int(await page.evaluate(ORANGE_PIXELS)) > 500


async def boxes_are_gone(page: Page) -> bool:
    """Whether nothing in the played picture has that orange."""
    return int(await page.evaluate(ORANGE_PIXELS)) < 50


async def test_the_annotated_video_plays(page: Page, server: RunningServer) -> None:
    """Pictures keep coming, in the camera's size."""
    await go_live(page, server)
    before = int(await page.evaluate(PICTURES))

    async def grows() -> bool:
        return int(await page.evaluate(PICTURES)) > before + 10

    await eventually(grows, page=page, what="more pictures are played")
    assert await page.evaluate("document.querySelector('video.live').videoWidth") == 640


async def test_boxes_are_seen_in_the_picture(page: Page, server: RunningServer) -> None:
    """The firearm's box and label are in the pixels that come back."""
    await go_live(page, server)
    await eventually(lambda: boxes_are_drawn(page), page=page, what="an orange box in the picture")


async def test_a_firearm_gets_one_line_with_its_picture(page: Page, server: RunningServer) -> None:
    """The data channel names the class; the line has a crop that is a picture, and says that it is in view."""
    await go_live(page, server)
    row = page.locator(".sightings li").first
    await expect(row).to_contain_text("Firearm", timeout=20_000)
    await expect(row).to_contain_text("In view")
    colours = await row.locator("canvas").evaluate(
        "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    )
    assert colours > 20
    await row.locator("button").click()
    await expect(page.get_by_role("dialog")).to_contain_text("best confidence")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_strip_shows_what_is_measured(page: Page, server: RunningServer) -> None:
    """Age, frames, detector, size and transport have values, and the age has a word."""
    await go_live(page, server)
    for cell, text in (("picture", "640\u00d7480"), ("transport", "WebRTC")):
        await expect(page.locator(f"[data-cell={cell}] dd").first).to_contain_text(text)
    for cell in ("age", "frames", "detector"):
        await expect(page.locator(f"[data-cell={cell}] dd").first).to_contain_text("ms" if cell != "frames" else "/s")
        await expect(page.locator(f"[data-cell={cell}] dd").first).not_to_contain_text("\u2013")
    await expect(page.locator("[data-cell=age] dt .st")).not_to_be_empty()


async def test_confidence_reaches_the_server(page: Page, server: RunningServer) -> None:
    """The slider's value is in force on the running stream, and no note says otherwise."""
    await go_live(page, server)
    await page.get_by_label("Confidence at least").fill("73")

    async def in_force() -> bool:
        return [stream["conf"] for stream in await server.streams()] == [0.73]

    await eventually(in_force, page=page, what="the stream's confidence is 73 %")
    await expect(page.locator(".label output").first).to_have_text("73 %")
    await expect(page.get_by_text("did not take the new setting")).to_have_count(0)


async def test_a_class_is_hidden_and_shown_again(page: Page, server: RunningServer) -> None:
    """Switching the only class off takes its boxes out of the picture; switching it on brings them back."""
    await go_live(page, server)
    toggle = page.get_by_role("button", name="firearm", exact=True)
    await eventually(lambda: boxes_are_drawn(page), page=page, what="an orange box in the picture")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-pressed", "false")
    await eventually(lambda: boxes_are_gone(page), page=page, what="no box in the picture")
    await toggle.click()
    await eventually(lambda: boxes_are_drawn(page), page=page, what="the box is back")


async def test_boxes_can_be_left_out(page: Page, server: RunningServer) -> None:
    """The tool over the picture takes the boxes away; the line of the firearm stays."""
    await go_live(page, server)
    await eventually(lambda: boxes_are_drawn(page), page=page, what="an orange box in the picture")
    await page.get_by_role("button", name="Boxes").click()
    await eventually(lambda: boxes_are_gone(page), page=page, what="no box in the picture")
    await expect(page.locator(".sightings li").first).to_contain_text("In view")


async def test_exact_mode_reaches_the_server(page: Page, server: RunningServer) -> None:
    """Choosing Exact is in force on the running stream."""
    await go_live(page, server)
    await page.get_by_role("button", name="Exact").click()

    async def exact() -> bool:
        return [stream["mode"] for stream in await server.streams()] == ["exact"]

    await eventually(exact, page=page, what="the stream is exact")


async def test_stop_frees_the_session(page: Page, server: RunningServer) -> None:
    """After Stop the place on the server is free, the camera is off, and the page offers to start."""
    await go_live(page, server)
    assert len(await server.streams()) == 1
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("heading", name="See what the detector sees")).to_be_visible()
    await no_streams(server, page)


async def test_closing_the_tab_frees_the_session(page: Page, server: RunningServer) -> None:
    """A closed tab leaves nothing behind on the server."""
    await go_live(page, server)
    watcher = await page.context.new_page()
    await page.close()
    await no_streams(server, watcher)


async def test_leaving_the_place_frees_the_session(page: Page, server: RunningServer) -> None:
    """Nothing is filmed that is not seen: going to Picture ends the session and keeps the sightings."""
    await go_live(page, server)
    await expect(page.locator(".sightings li").first).to_be_visible(timeout=20_000)
    await page.get_by_role("link", name="Picture").first.click()
    await no_streams(server, page)
    await page.go_back()
    await expect(page.locator(".sightings li").first).to_contain_text("Firearm")
    await expect(page.locator(".sightings li .st").first).to_be_hidden()


async def test_the_sample_clip_goes_the_way_of_a_camera(page: Page, server: RunningServer) -> None:
    """Without a camera the sample shows the same: a firearm, found by the server."""
    await go_live(page, server, action="sample")
    await expect(page.locator(".chip")).to_contain_text("Sample clip")
    await expect(page.locator(".sightings li").first).to_contain_text("Firearm", timeout=20_000)


async def test_start_camera_starts_the_camera_after_the_sample_clip(page: Page, server: RunningServer) -> None:
    """What a button says it does, whatever was shown before; choosing the clip from the list starts the clip."""
    await go_live(page, server, action="sample")
    await expect(page.locator(".chip")).to_contain_text("Sample clip")
    await page.get_by_role("button", name="Stop").click()
    await page.click("[data-action=start]")
    await expect(page.locator(".screen")).to_have_attribute("data-state", "picture", timeout=20_000)
    await expect(page.locator(".chip")).to_contain_text("Live")
    await page.get_by_role("button", name="Stop").click()
    await page.get_by_label("Camera", exact=True).select_option("sample")
    await expect(page.locator(".chip")).to_contain_text("Sample clip", timeout=20_000)


async def test_the_sample_clip_stays_chosen_when_the_cameras_become_known(page: Page, server: RunningServer) -> None:
    """A person may be quicker than the list of cameras, and is told what is played."""
    await page.add_init_script("""
      const list = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
      const later = new Promise((resolve) => (window.tellCameras = resolve));
      navigator.mediaDevices.enumerateDevices = () => later.then(list);
    """)
    await open_place(page, server)
    await page.get_by_role("button", name="Try the sample clip").click()
    await page.evaluate("window.tellCameras()")
    await expect(page.locator(".chip.st")).to_contain_text("Sample clip", timeout=20_000)
    await expect(page.get_by_label("Camera", exact=True)).to_have_value("sample")


async def test_a_cancelled_sample_clip_does_not_play_on(page: Page, server: RunningServer) -> None:
    """Cancel while it begins leaves no video that plays where nobody sees it."""
    await open_place(page, server)
    paused = await page.evaluate("""async () => {
      const { sampleOpener } = await import("/static/js/sample.js");
      const play = HTMLMediaElement.prototype.play;
      let video;
      HTMLMediaElement.prototype.play = function () { video = this; return play.call(this); };
      const cancelled = new AbortController();
      const opened = sampleOpener.open(cancelled.signal);
      cancelled.abort();
      await opened.catch(() => undefined);
      return video.paused;
    }""")
    assert paused is True


async def test_nothing_is_sighted_after_stop(page: Page, server: RunningServer) -> None:
    """Until the server has heard of the end it goes on sending what it finds; none of that is listed a second time."""
    await go_live(page, server)
    await expect(page.locator(".sightings li").first).to_be_visible(timeout=20_000)

    async def late(route: Route) -> None:
        await page.wait_for_timeout(800)
        await route.continue_()

    await page.route("**/whip/*", late)
    listed = await page.evaluate("""() => {
      document.querySelector(".controls .stop").click();
      return document.querySelectorAll(".sightings li").length;
    }""")
    await no_streams(server, page)
    await expect(page.locator(".sightings li")).to_have_count(listed)
    await expect(page.locator(".sightings li .st:visible")).to_have_count(0)


async def test_what_was_said_before_does_not_hold_for_a_new_connection(page: Page, server: RunningServer) -> None:
    """A strip that begins anew has the words of a fresh picture, not those of the connection that was lost."""
    await open_place(page, server)
    words = await page.evaluate("""async () => {
      const { FreshnessStrip } = await import("/static/js/strip.js");
      const strip = new FreshnessStrip();
      const fresh = {
        ageMs: 40, ageP95Ms: null, framesPerS: 25, detectorMs: 9, checkedPerS: 25, imgsz: 640, received: 25, dropped: 0,
        sentPerS: 25, width: 640, height: 480, codec: "", rttMs: 1, lossPercent: 0, silentMs: 0,
      };
      const stalled = { ...fresh, framesPerS: 0, silentMs: 5000 };
      const read = (reading, now) => {
        const { age, frames } = strip.update(reading, { now, transport: "WebRTC" });
        return [age.word, frames.word];
      };
      read(stalled, 0);
      const before = read(stalled, 3000);
      strip.clear();
      return [before, read(fresh, 3500)];
    }""")
    assert words == [["Stalled", "Very few"], ["Fresh", ""]]


async def test_a_recovery_is_said_later_rather_than_never(page: Page, server: RunningServer) -> None:
    """What comes too soon after the last words for a screen reader is said once it may be."""
    await open_place(page, server)
    said = await page.evaluate("""async () => {
      const { Announcer } = await import("/static/js/announcer.js");
      const { LiveWatch } = await import("/static/js/live-watch.js");
      const { Stage } = await import("/static/js/stage.js");
      const { LIVE_STATES } = await import("/static/js/states.js");
      let [now, step, decoded] = [0, 0, 1];
      const stats = async () => {
        decoded += step;
        return new Map([["video", { type: "inbound-rtp", kind: "video", framesDecoded: decoded }]]);
      };
      const stage = new Stage({ states: LIVE_STATES, media: [], tools: [], onaction() {} });
      const watch = new LiveWatch({ stage, announcer: new Announcer(() => now), others: () => 0, onsilent() {} });
      const polite = document.querySelector("#polite");
      const sign = watch.strip.element.querySelector("[data-cell=age] .st");
      const until = async (holds) => {
        for (let tries = 0; tries < 120 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
        return polite.textContent;
      };
      watch.start({ transport: "WebRTC", stats }, "Live");
      const first = await until(() => polite.textContent.startsWith("Stalled"));
      step = 13;
      const held = await until(() => sign.textContent === "Fresh");
      now = 5000;
      const last = await until(() => polite.textContent === "Live over WebRTC");
      watch.stop();
      return [first, held, last].map((text) => text.split(",")[0]);
    }""")
    assert said == ["Stalled", "Stalled", "Live over WebRTC"]


async def test_a_picture_is_saved(page: Page, server: RunningServer) -> None:
    """The tool over the picture saves what is seen as a PNG."""
    await go_live(page, server)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save this picture").click()
    path = await (await download.value).path()
    assert path.read_bytes().startswith(b"\x89PNG")


async def test_a_setting_that_is_not_taken_goes_back(page: Page, server: RunningServer) -> None:
    """Where the server keeps its value, the slider returns to it and a note says so."""
    await open_place(page, server)
    note = await page.evaluate("""async () => {
      const { LiveControls } = await import("/static/js/live-controls.js");
      const info = { model: { conf: 0.4, classes: ["firearm"] } };
      let note = "";
      const camera = document.createElement("div");
      const controls = new LiveControls({ info, camera, onstop() {}, send() {}, onrefused(text) { note = text; } });
      const slider = controls.element.querySelector("input");
      slider.value = "80";
      slider.dispatchEvent(new Event("input"));
      const message = { conf: 0.4, classes: null, mode: "smooth", annotate: true };
      while (!note) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        controls.confirm(message);
      }
      return `${note} ${slider.value}`;
    }""")
    assert note == "The server did not take the new setting. It is back at 40 %. 40"
