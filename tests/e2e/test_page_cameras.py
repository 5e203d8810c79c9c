"""Cameras in a real browser, against the real server: tiles, the form, one camera large, the mask by keyboard and by mouse."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.e2e.alert_stub import AlertStub, iso, make_alert
from tests.e2e.browser import RunningServer, ServerFactory, eventually, new_page, open_place
from tests.e2e.test_page_states import LOWEST_CONTRAST, fits
from tests.e2e.test_page_video_layout import FAULTY_TARGETS
from tests.transports.camera_rig import write_h264

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

NOWHERE = "rtsp://127.0.0.1:9/live"

KEEP_CONFIGURATIONS = """
window.configurations = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) { super(configuration); window.configurations.push(configuration); }
};
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of H.264."""
    return write_h264(tmp_path_factory.mktemp("films") / "two.mp4", seconds=2)


@pytest.fixture(scope="module")
def camera_server(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that may play the film, and look for cameras on this machine."""
    env = {
        "SIGHTLINE_CAMERAS__ALLOWED_FILES": json.dumps([str(film)]),
        "SIGHTLINE_CAMERAS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        "SIGHTLINE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
    }
    running = RunningServer.start(env=env)
    yield running
    running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def cameras(page: Page, camera_server: RunningServer, film: Path) -> AsyncIterator[Page]:
    """The place Cameras with one that is live and one that nobody answers for."""
    async with aiohttp.ClientSession() as http:
        await _only(http, camera_server, {"name": "Counter east", "url": str(film)}, {"name": "Gate north", "url": NOWHERE})
    await page.goto(f"{camera_server.url}/#/cameras")
    await expect(page.locator(".tile")).to_have_count(2)
    yield page


async def _only(http: aiohttp.ClientSession, server: RunningServer, *wanted: dict[str, object]) -> None:
    for camera in await _all(http, server):
        await http.delete(f"{server.url}/api/cameras/{camera['id']}")
    for body in wanted:
        async with http.post(f"{server.url}/api/cameras", json=body) as answer:
            assert answer.status == 201, await answer.text()


async def _all(http: aiohttp.ClientSession, server: RunningServer) -> list[dict[str, Any]]:
    async with http.get(f"{server.url}/api/cameras") as answer:
        listed: list[dict[str, Any]] = (await answer.json())["cameras"]
        return listed


async def _mask(server: RunningServer) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as http:
        mask: list[dict[str, Any]] = (await _all(http, server))[0]["mask"]
        return mask


async def test_tiles_show_pictures_and_what_is_wrong(cameras: Page) -> None:
    """A live one has a picture that is renewed, its age and its rate; one in trouble its sentence and the next step."""
    live, gate = cameras.locator(".tile", has_text="Counter east"), cameras.locator(".tile", has_text="Gate north")
    await expect(live.locator(".snapshot img")).to_be_visible(timeout=10_000)
    await expect(live.locator(".tf")).to_contain_text("ms · ", timeout=10_000)
    await expect(live.locator(".chip.st")).to_have_text("Live")
    first = await live.locator(".snapshot img").get_attribute("src")
    await expect(live.locator(".snapshot img")).not_to_have_attribute("src", first or "", timeout=10_000)
    await expect(gate).to_contain_text("Gate north does not answer", timeout=10_000)
    await expect(gate).to_contain_text("Nothing answers at 127.0.0.1, port 9")
    await expect(cameras.locator(".head .sub").first).to_have_text("2 cameras · 1 live, 1 unreachable")
    await cameras.get_by_role("button", name="Trouble 1").click()
    await expect(cameras.locator(".tile")).to_have_count(1)
    await gate.get_by_role("button", name="Edit address").click()
    await expect(cameras.get_by_label("Address", exact=True)).to_be_focused()
    await expect(cameras.get_by_label("Address", exact=True)).to_have_value(NOWHERE)


async def test_each_state_has_its_words(page: Page, camera_server: RunningServer, film: Path, tmp_path: Path) -> None:
    """A waiting alert comes first with its banner; all other states say what is wrong, or until when, and what to do."""
    async with aiohttp.ClientSession() as http:
        await _only(http, camera_server, {"name": "Hall 2", "url": str(film)})
        (hall,) = await _all(http, camera_server)
    hall |= {"state": "live", "age_ms": 84, "fps": 25}
    states: dict[str, dict[str, object]] = {
        "Counter east": {"id": "counter-east"},
        "Car park C": {"state": "stalled", "since": iso(14)},
        "Dock": {"state": "unauthorised", "since": iso(60)},
        "Gate": {
            "state": "unreachable",
            "reason": "No reply from 10.0.4.17, port 554.",
            "next_try_at": iso(-8.4),
            "since": iso(60),
        },
        "Night": {"state": "off", "off_until": iso(-3600)},
        "New": {"state": "connecting", "url": "rtsp://10.0.4.20:554/one"},
    }
    others = [hall | {"id": f"camera-{at}", "name": name} | fields for at, (name, fields) in enumerate(states.items())]
    stub = AlertStub([make_alert("Counter east", ago_s=38)], folder=tmp_path)
    await stub.open(page, camera_server.url, address="#/cameras")
    await stub.push(page, "cameras", {"cameras": [hall, *others]})
    await expect(page.locator(".tile")).to_have_count(7)
    first = page.locator(".tile").first
    await expect(first).to_contain_text("Firearm 93 % now")
    await expect(first).to_have_class("card tile hot")
    await expect(page.locator(".note.mark")).to_contain_text("Possible firearm at Counter east, ")
    await expect(page.locator(".note.mark")).to_contain_text("Waiting for a person for 0:")
    hall_foot = page.locator(".tile", has_text="Hall 2").locator(".tf")
    await expect(hall_foot.locator(".sub")).to_have_text("84 ms · 25/s")
    await expect(hall_foot.locator(".last")).to_have_text("Nothing today")
    said = {
        "No new picture": ("Stalled 1", "Reconnect"),
        "Dock refused the sign-in": ("Check user and password.", "Edit sign-in"),
        "Gate does not answer": ("No reply from 10.0.4.17, port 554. Next try in ", "Try now"),
        "Night": ("Off until ", "Switch on now"),
    }
    for heading, (sentence, action) in said.items():
        tile = page.locator(".tile", has=page.get_by_role("heading", name=heading, exact=True))
        await expect(tile).to_contain_text(sentence)
        await expect(tile.get_by_role("button", name=action)).to_be_visible()
    await expect(page.locator(".tile", has_text="Opening 10.0.4.20")).to_contain_text("Connecting")
    await page.get_by_role("link", name="Review now").click()
    await expect(page.locator("#alert-heading")).to_contain_text("Counter east")


async def test_a_camera_is_refused_added_and_deleted_with_undo(cameras: Page, camera_server: RunningServer, film: Path) -> None:
    """Refusals stand at their field with what is allowed; a deleted one comes back by Undo."""
    await cameras.get_by_role("button", name="Add camera").click()
    dialog = cameras.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Hall 2")
    await dialog.get_by_label("Address", exact=True).fill("rtsp://10.0.4.17/stream1")
    await dialog.get_by_role("button", name="Add camera").click()
    address = dialog.get_by_label("Address", exact=True)
    await expect(dialog.locator(".err", has_text="This address is not allowed here. Allowed: 127.0.0.0/8.")).to_be_visible()
    await expect(address).to_be_focused()
    assert await address.get_attribute("aria-invalid") == "true"
    await address.fill(str(film))
    await dialog.get_by_label("Password").fill("secret")
    await dialog.get_by_label("User").fill("viewer")
    await cameras.keyboard.press("Enter")
    tile = cameras.locator(".tile", has_text="Hall 2")
    await expect(tile.locator(".chip.st")).to_have_text("Live", timeout=10_000)
    await tile.get_by_role("link").click()
    await cameras.get_by_role("button", name="Settings").click()
    await expect(dialog).to_contain_text("Saved. Type a new one to change it.")
    await expect(dialog.get_by_label("Password")).to_have_value("")
    await dialog.get_by_role("button", name="Delete camera").click()
    await expect(cameras.locator(".tile")).to_have_count(2)
    await cameras.get_by_role("button", name="Undo").click()
    await expect(cameras.locator(".tile")).to_have_count(3)


async def test_a_click_beside_the_form_keeps_what_was_typed(cameras: Page) -> None:
    """A form is left by its buttons and by Escape."""
    await cameras.get_by_role("button", name="Add camera").click()
    name = cameras.get_by_role("dialog").get_by_label("Name")
    await name.fill("Hall 2")
    await cameras.mouse.click(5, 5)
    await expect(name).to_have_value("Hall 2")


async def test_the_way_back_is_that_of_the_newest_camera(cameras: Page, camera_server: RunningServer) -> None:
    """Switched on against their schedules, each camera has its own note, which puts its own schedule back; a refusal closes."""
    other_day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    schedule: list[dict[str, object]] = [{"days": [other_day], "from": "08:00", "to": "09:00"}]
    wanted: list[dict[str, object]] = [
        {"name": name, "url": NOWHERE, "schedule": schedule} for name in ("Night one", "Night two")
    ]
    note = cameras.locator(".camp > .note")

    async def breaks(route: Route) -> None:
        await route.abort("connectionreset")

    async with aiohttp.ClientSession() as http:
        await _only(http, camera_server, *wanted)
        first, second = (cameras.locator(".tile", has_text=name) for name in ("Night one", "Night two"))
        await cameras.route("**/api/cameras/*", breaks, times=1)
        await first.get_by_role("button", name="Switch on now").click()
        await expect(note).to_contain_text("Night one was not changed. The server does not answer.")
        await note.get_by_role("button", name="Close").click()
        await expect(note).to_be_hidden()
        for tile, name in ((first, "Night one"), (second, "Night two")):
            await tile.get_by_role("button", name="Switch on now").click()
            await expect(note).to_contain_text(f"{name} is on.")
        await note.get_by_role("button", name="Put the schedule back").click()
        await expect(second).to_contain_text("Off until ")
        assert [camera["schedule"] for camera in await _all(http, camera_server)] == [[], schedule]


async def test_one_camera_large_plays_and_is_snoozed(cameras: Page) -> None:
    """Its video comes by WebRTC with its strip, tiles ask for nothing meanwhile, and its alerts are snoozed and not."""
    await cameras.locator(".tile", has_text="Counter east").get_by_role("link").click()
    view = cameras.locator(".camview")
    await expect(view.locator("h1")).to_be_focused()
    await expect(view.locator(".screen")).to_have_attribute("data-state", "picture", timeout=20_000)
    await expect(view.locator("[data-cell=transport] dd")).to_contain_text("WebRTC")
    asked: list[str] = []
    cameras.on("request", lambda request: asked.append(request.url))
    await view.get_by_role("button", name="Snooze").click()
    await cameras.get_by_role("button", name="For 1 hour").click()
    await expect(view.locator(".head .sub")).to_contain_text("alerts snoozed until ")
    await view.get_by_role("button", name="End snooze").click()
    await expect(view.get_by_role("button", name="Snooze", exact=True)).to_be_visible()
    assert [url for url in asked if "snapshot" in url] == []
    await cameras.go_back()
    await expect(cameras.locator(".tile").first.get_by_role("link")).to_be_focused()


async def test_back_at_a_large_camera_its_heading_has_the_focus(cameras: Page) -> None:
    """Coming from another place the focus goes to the heading that is seen, not to that of the tiles behind it."""
    await cameras.locator(".tile", has_text="Counter east").get_by_role("link").click()
    heading = cameras.locator(".camview h1")
    await expect(heading).to_be_focused()
    await cameras.click("#nav [data-place=picture]")
    await expect(cameras.get_by_role("heading", level=1)).to_be_focused()
    await cameras.go_back()
    await expect(heading).to_be_focused()


async def test_a_camera_that_did_not_open_is_opened_again(cameras: Page) -> None:
    """A short break of the network needs nobody: the large video comes by itself."""
    await cameras.route("**/whep/*", lambda route: route.abort(), times=1)
    await cameras.locator(".tile", has_text="Counter east").get_by_role("link").click()
    screen = cameras.locator(".camview .screen")
    await expect(screen).to_have_attribute("data-state", "failed", timeout=10_000)
    await expect(screen).to_contain_text("The server does not answer.")
    await expect(screen).to_have_attribute("data-state", "picture", timeout=20_000)


async def test_a_large_camera_asks_to_sign_in_again(cameras: Page) -> None:
    """When the sign-in has run out the next step is to sign in, not to try again."""
    await cameras.route("**/whep/*", lambda route: route.fulfill(status=401, json={"status": 401}))
    await cameras.locator(".tile", has_text="Counter east").get_by_role("link").click()
    screen = cameras.locator(".camview .screen")
    await expect(screen).to_contain_text("Please sign in again", timeout=10_000)
    await expect(screen.get_by_role("button", name="Sign in")).to_be_visible()


async def test_a_camera_is_opened_with_the_newest_servers(page: Page, camera_server: RunningServer, film: Path) -> None:
    """What opens a video hours after the page was loaded has the credentials of now: those of then have ended."""
    credentials = ["of then"]

    async def answer(route: Route) -> None:
        info = await (await route.fetch()).json()
        urls = ["turn:127.0.0.1:9"]
        info["iceServers"] = [{"urls": urls, "username": "somebody", "credential": credentials[-1]}]
        await route.fulfill(json=info)

    async with aiohttp.ClientSession() as http:
        await _only(http, camera_server, {"name": "Counter east", "url": str(film)})
    await page.add_init_script(KEEP_CONFIGURATIONS)
    await page.route("**/api/info", answer)
    await page.goto(f"{camera_server.url}/#/cameras")
    await expect(page.locator(".tile .chip.st")).to_have_text("Live", timeout=10_000)
    credentials.append("of now")
    async with page.expect_response("**/readyz"):  # which is asked for after the information
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.locator(".tile").get_by_role("link").click()

    async def opened() -> bool:
        return bool(await page.evaluate("configurations.length > 0"))

    await eventually(opened, page=page, what="the video is being opened")
    assert await page.evaluate("configurations[0].iceServers[0].credential") == "of now"


async def test_a_large_camera_has_its_alerts_of_today(page: Page, camera_server: RunningServer, tmp_path: Path) -> None:
    """A page that is opened there asks for them: the events tell only of those that wait."""
    dismissed = make_alert("Hall", camera="camera-0", state="dismissed", decided_by="Ana", decided_at=iso(5))
    await AlertStub([dismissed], folder=tmp_path).open(page, camera_server.url, address="#/cameras/camera-0")
    await expect(page.locator(".camrail .rows li")).to_have_count(1)
    await expect(page.locator(".camrail").get_by_text("Nothing today.")).to_be_hidden()


async def test_an_old_picture_says_so(cameras: Page) -> None:
    """Where no new picture comes the last one is dimmed with its age in place of Live; the next one is live again."""
    tile = cameras.locator(".tile", has_text="Counter east")
    await expect(tile.locator(".snapshot img")).to_be_visible(timeout=10_000)
    async with cameras.expect_event("requestfailed"):  # those that were under way have come then
        await cameras.route("**/snapshot.jpg*", lambda route: route.abort())
    await cameras.evaluate("() => { const now = Date.now; Date.now = () => now() + 60_000; }")
    await expect(tile.locator(".chip.st")).to_have_text(re.compile(r"^\d+ s old$"))
    assert await _is_dimmed(tile)
    await cameras.unroute("**/snapshot.jpg*")
    await expect(tile.locator(".chip.st")).to_have_text("Live", timeout=10_000)
    assert not await _is_dimmed(tile)


async def test_a_silent_server_is_named_everywhere(page: Page, camera_server: RunningServer, tmp_path: Path) -> None:
    """When nothing is heard any more tiles are dimmed and say for how long, and no place claims what it does not know."""
    stub = AlertStub([], folder=tmp_path)
    await stub.open(page, camera_server.url, address="#/cameras")
    tile, lost = page.locator(".tile", has_text="Camera 0"), page.get_by_role("region", name="Connection")
    await expect(tile.locator(".tf .sub")).to_have_text("84 ms · 25/s")
    await expect(lost).to_be_hidden()
    await stub.silence(page)
    await expect(lost).to_contain_text("Connection lost.", timeout=20_000)
    await expect(page.locator("#assertive")).to_contain_text("Connection lost.")
    await expect(tile.locator(".chip.st")).to_have_text(re.compile(r"^No news for \d+ s$"))
    await expect(tile.locator(".tf")).not_to_contain_text("84 ms")
    await expect(page.locator(".head .sub").first).to_contain_text("6 cameras · no news for ")
    assert await _is_dimmed(tile)
    await page.click("#nav [data-place=alerts]")
    await expect(page.locator(".alempty")).to_contain_text("Nothing was heard of the cameras for ")
    await page.click("#nav [data-place=cameras]")
    await stub.push(page, "camera_ages", {"cameras": [{"id": "camera-0", "age_ms": 84, "fps": 25}]})
    await expect(lost).to_be_hidden()
    await expect(tile.locator(".chip.st")).to_have_text("Live")
    assert not await _is_dimmed(tile)


async def _is_dimmed(tile: Locator) -> bool:
    return bool(await tile.locator(".screen").evaluate("screen => screen.classList.contains('stale')"))


async def test_a_page_that_may_not_follow_says_so(page: Page, browser: Browser, start_server: ServerFactory) -> None:
    """Above the limit of pages it says that the server answers and tells it nothing, and Try now goes on when there is room."""
    server = start_server(env={"SIGHTLINE_SERVER__MAX_EVENT_STREAMS": "1"})
    lost = page.get_by_role("region", name="Connection")
    async with new_page(browser) as other:
        async with other.expect_response("**/api/events*"):
            await open_place(other, server, "picture")
        await open_place(page, server, "picture")
        await expect(lost).to_contain_text("No news from the server.", timeout=20_000)
        await lost.get_by_role("button", name="Try now").click()  # there is no room yet, and it tries again soon
        await expect(lost).to_be_visible()
    await expect(lost).to_be_hidden(timeout=10_000)


async def test_a_mask_is_drawn_by_mouse_and_moved_by_keyboard(cameras: Page, camera_server: RunningServer) -> None:
    """Clicks and Enter make a region; arrows, Insert, Delete, undo, and typed numbers change it; Save keeps it."""
    await cameras.locator(".tile", has_text="Counter east").get_by_role("link").click()
    await cameras.get_by_role("button", name="Mask").click()
    surface = cameras.locator(".masksurface")
    box = await surface.bounding_box()
    assert box
    for x, y in ((0.2, 0.2), (0.6, 0.2), (0.4, 0.8)):
        await cameras.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    await cameras.keyboard.press("Enter")
    corners = surface.get_by_role("button")
    await expect(corners).to_have_count(3)
    await cameras.keyboard.press("Tab")
    await expect(corners.first).to_be_focused()
    await expect(corners.first).to_have_attribute(
        "aria-label", "Ignore 1, corner 1 of 3, 20 % from the left, 20 % from the top"
    )
    await cameras.keyboard.press("Shift+ArrowRight")
    await cameras.keyboard.press("ArrowDown")
    await expect(corners.first).to_have_attribute(
        "aria-label", "Ignore 1, corner 1 of 3, 25 % from the left, 21 % from the top"
    )
    await cameras.keyboard.press("Insert")
    await expect(corners.nth(1)).to_be_focused()
    await expect(corners).to_have_count(4)
    await cameras.keyboard.press("Delete")
    await expect(corners).to_have_count(3)
    await cameras.keyboard.press("Control+z")
    await expect(corners).to_have_count(4)
    await cameras.get_by_label("Region 1, corner 1, % from the left").fill("10")
    await cameras.get_by_label("Kind of region 1").select_option("watch")
    await cameras.mouse.move(*(await _middle(cameras, 3)))
    await cameras.mouse.down()
    await cameras.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.9)
    await cameras.mouse.up()
    await cameras.get_by_role("button", name="Save mask").click()
    await expect(cameras.get_by_role("dialog")).to_have_count(0)
    (region,) = await _mask(camera_server)
    assert region["kind"] == "watch"
    assert region["points"][0] == [0.1, pytest.approx(0.21, abs=0.005)]
    assert region["points"][3] == pytest.approx([0.5, 0.9], abs=0.005)


async def _middle(page: Page, corner: int) -> tuple[float, float]:
    box = await page.locator(".corner").nth(corner).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_cameras_fit_a_narrow_phone(browser: Browser, camera_server: RunningServer, film: Path, theme: str) -> None:
    """At 320 px tiles, form and a large camera need no sideways scroll, are readable, and every target has its size."""
    name = "Office with a rather long name by the stairs"
    async with aiohttp.ClientSession() as http:
        wanted: list[dict[str, object]] = [
            {"name": name, "url": str(film)},
            {"name": "Gate", "url": NOWHERE},
            {"name": "Off", "url": NOWHERE, "enabled": False},
        ]
        await _only(http, camera_server, *wanted)
    async with new_page(browser, width=320, height=844, theme=theme) as page:
        await page.goto(f"{camera_server.url}/#/cameras")
        await expect(page.locator(".tile", has_text="does not answer")).to_be_visible(timeout=10_000)
        await _is_readable(page)
        await page.get_by_role("button", name="Add camera").click()
        await page.locator("summary").click()
        await page.get_by_role("button", name="Add hours").click()
        assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
        assert await page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
        await page.keyboard.press("Escape")
        await page.locator(".tile", has_text=name).get_by_role("link").click()
        await eventually(lambda: page.locator(".camview .strip").is_visible(), page=page, what="it plays")
        await _is_readable(page)


async def _is_readable(page: Page) -> None:
    assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
    assert await fits(page)
    assert await page.evaluate(FAULTY_TARGETS, 44) == []
