"""Alerts in a real browser: review by keyboard, a verdict that waits, one that came too late, and all that is shown beside."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.e2e.alert_stub import AlertStub, Answers, iso, make_alert, make_delivery
from tests.e2e.browser import RunningServer, eventually, new_page
from tests.e2e.test_page_states import LOWEST_CONTRAST, fits
from tests.e2e.test_page_video_layout import FAULTY_TARGETS

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

# The colour of the box in the middle of the stage's canvas, where the drawn firearm is.
ORANGE_PIXELS = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at] > 240 && Math.abs(data[at + 1] - 107) < 20 && data[at + 3]) count += 1;
  return count;
}"""


@pytest.fixture
def stub(tmp_path: Path) -> AlertStub:
    """Two alerts that wait, and one of earlier that was dismissed."""
    waiting = [make_alert("Counter east"), make_alert("Car park C", ago_s=20, confidence=0.61)]
    return AlertStub([*waiting, _dismissed()], folder=tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def alerts(page: Page, server: RunningServer, stub: AlertStub) -> AsyncIterator[Page]:
    """The place Alerts with the first of them under review."""
    await stub.open(page, server.url)
    await expect(_heading(page)).to_contain_text("Counter east")
    yield page


def _dismissed() -> Answers:
    deliveries = [
        make_delivery("mqtt"),
        make_delivery("webhook", unsure=True),
        make_delivery("email", state="failed", error="550 no such mailbox"),
        make_delivery("mqtt", event="dismissed", state="pending", attempts=1, next_try_at=iso(-30)),
    ]
    decided = {"state": "dismissed", "decided_by": "Ana", "decided_at": iso(12), "reason": "Umbrella"}
    return make_alert("Loading dock", ago_s=30, clip="missing", deliveries=deliveries, **decided)


def _heading(page: Page) -> Locator:
    return page.locator("#alert-heading")


async def _boxes(page: Page) -> bool:
    return int(await page.locator(".screen canvas.ov").evaluate(ORANGE_PIXELS)) > 50


async def test_two_alerts_are_answered_by_keyboard(alerts: Page, stub: AlertStub) -> None:
    """C confirms the first with its note and opens the next; D holds it back for a while, with a reason, then sends it."""
    assert await alerts.evaluate("window.__events.url") == "/api/events?videos=all&cameras=1&alerts=1"
    assert await alerts.title() == "(2) Alerts - Sightline"
    await expect(alerts.locator(".nav .count")).to_have_text("2 waiting")
    await alerts.keyboard.press("n")
    await alerts.keyboard.type("cd: by the till")  # letters in a field are no shortcuts
    await alerts.keyboard.press("Escape")
    await alerts.keyboard.press("c")
    await expect(_heading(alerts)).to_contain_text("Car park C")
    await expect(_heading(alerts)).to_be_focused()
    assert [asked[1] for asked in stub.asked] == ["alert-counter-east/confirm"]
    zone = await alerts.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert stub.asked[0][2] == {"note": "cd: by the till", "time_zone": zone}
    assert await alerts.title() == "(1) Alerts - Sightline"
    await alerts.wait_for_timeout(700)  # a second press at once is not for the next alert
    await alerts.keyboard.press("d")
    await expect(alerts.get_by_role("button", name="Undo")).to_be_focused()
    await alerts.get_by_role("button", name="Phone").click()
    assert len(stub.asked) == 1
    await expect(alerts.locator(".held")).to_be_hidden(timeout=10_000)
    assert stub.asked[1][1:2] == ("alert-car-park-c/dismiss",)
    assert stub.asked[1][2]["reason"] == "Phone"
    await expect(alerts.locator(".verdict h2")).to_contain_text("Dismissed by Ana")
    assert await alerts.title() == "Alerts - Sightline"


async def test_a_dismissal_is_taken_back_or_sent_when_the_page_is_left(alerts: Page, stub: AlertStub) -> None:
    """Undo sends nothing; leaving the page sends what waits."""
    await alerts.keyboard.press("d")
    await alerts.keyboard.press("Enter")
    await expect(alerts.locator(".held")).to_be_hidden()
    await expect(_heading(alerts)).to_be_focused()
    assert stub.asked == []
    await alerts.keyboard.press("d")
    await alerts.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")

    async def sent() -> bool:
        return [asked[1] for asked in stub.asked] == ["alert-counter-east/dismiss"]

    await eventually(sent, page=alerts, what="the dismissal is sent")


async def test_an_answer_that_came_too_late_says_whose_counts(alerts: Page, stub: AlertStub) -> None:
    """A 409 names who was faster, says so at once, and shows their verdict."""
    stub.refusal = 409, {"title": "Conflict", "state": "dismissed", "decided_by": "ben", "decided_at": iso(4.2)}
    stub.alerts["alert-counter-east"] |= {"state": "dismissed", "decided_by": "Ben", "decided_at": iso(4.2)}
    await alerts.keyboard.press("c")
    text = "Ben dismissed this 4 s ago. Your answer was not sent."
    await expect(alerts.locator(".almain .note")).to_contain_text(text)
    await expect(alerts.locator("#assertive")).to_have_text(text)
    await expect(alerts.locator(".verdict h2")).to_contain_text("Dismissed by Ben")


async def test_a_dismissal_that_fails_is_still_told_on_return(alerts: Page, stub: AlertStub) -> None:
    """Sent when the place was left, and refused, it says so until it is sent again, and of which alert."""
    stub.refusal = 500, {"title": "Internal Server Error"}
    await alerts.keyboard.press("d")
    await alerts.get_by_role("link", name="Picture").first.click()
    loaded: list[str] = []
    alerts.on("request", lambda request: loaded.append(request.url))
    await expect(alerts.locator("#assertive")).to_contain_text("Your answer was not sent.")
    assert [url for url in loaded if "clip.mp4" in url] == []  # nothing plays that is not seen
    await alerts.go_back()
    note = alerts.locator(".almain .note")
    await expect(note).to_contain_text("Counter east, ")
    await expect(note).to_contain_text("Your answer was not sent.")
    await alerts.keyboard.press("j")
    await expect(_heading(alerts)).to_contain_text("Car park C")
    await expect(note.get_by_role("button", name="Close")).to_be_visible()
    await note.get_by_role("button", name="Send again").click()
    await expect(note).to_be_hidden()

    async def sent() -> bool:
        return [asked[1] for asked in stub.asked] == ["alert-counter-east/dismiss"] * 2

    await eventually(sent, page=alerts, what="the dismissal is sent again")


async def test_keys_do_nothing_behind_a_dialog(alerts: Page, stub: AlertStub) -> None:
    """A test of a channel keeps the focus on its button, and C does not answer the alert that nobody sees."""
    await alerts.locator(".head").get_by_role("button", name="Channels").click()
    dialog = alerts.get_by_role("dialog")
    test = dialog.get_by_role("button", name="Test MQTT")
    await test.click()
    await expect(dialog).to_contain_text("Arrived after 0.3 s")
    await expect(test).to_be_focused()
    await alerts.evaluate("document.activeElement.blur()")
    await alerts.keyboard.press("c")
    await alerts.evaluate("fetch('/api/channels').then(({ status }) => status)")  # an answer would have been sent before
    await alerts.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(_heading(alerts)).to_contain_text("Counter east")
    assert stub.asked == []


async def test_a_new_alert_leaves_the_one_under_review(alerts: Page, stub: AlertStub) -> None:
    """It comes above in the list, counts, is spoken once, and a notification is replaced by its verdict."""
    await alerts.context.grant_permissions(["notifications"])
    await alerts.evaluate("""() => {
      window.notified = [];
      window.Notification = class extends EventTarget {
        static permission = "granted";
        constructor(title, options) { super(); window.notified.push({ title, tag: options.tag, self: this }); }
        close() {}
      };
    }""")
    await alerts.locator("input.note-in").fill("half a thought")
    before = await alerts.locator(".almain").bounding_box()
    fresh = make_alert("Hall 2", ago_s=0)
    await stub.add(alerts, fresh)
    await stub.add(alerts, fresh | {"confidence": 0.95})
    await expect(alerts.locator(".allist .alrow b").first).to_have_text("Hall 2")
    await expect(_heading(alerts)).to_contain_text("Counter east")
    assert await alerts.locator(".almain").bounding_box() == before
    assert await alerts.locator("input.note-in").input_value() == "half a thought"
    await expect(alerts.locator("input.note-in")).to_be_focused()
    assert await alerts.title() == "(3) Alerts - Sightline"
    await expect(alerts.locator("#assertive")).to_contain_text("New alert: Possible firearm, Hall 2, ")
    await stub.add(alerts, fresh | {"state": "confirmed", "decided_by": "Ben", "decided_at": iso(0)})
    shown = await alerts.evaluate("window.notified.map(({ title, tag }) => [title, tag])")
    assert [tag for _, tag in shown] == [fresh["id"]] * 2
    assert shown[0][0].startswith("Possible firearm, Hall 2, ")
    assert shown[1][0].startswith("Confirmed by Ben, ")
    await alerts.evaluate("window.notified[0].self.dispatchEvent(new Event('click'))")
    await expect(_heading(alerts)).to_contain_text("Hall 2")


async def test_the_best_frame_stands_until_the_clip_plays(page: Page, server: RunningServer, tmp_path: Path) -> None:
    """Pending, the best frame is shown with its box; ready, the clip plays from two seconds before the alert, with boxes."""
    pending = make_alert("Counter east", clip="pending", clip_start_s=None, clip_duration_s=None)
    stub = AlertStub([pending], folder=tmp_path)
    await stub.open(page, server.url)
    await expect(page.locator(".almain .chip.st")).to_have_text("Best frame, the clip is being made")
    await eventually(lambda: _boxes(page), page=page, what="the box on the best frame")
    await stub.add(page, make_alert("Counter east"))
    video = page.locator("video.film-video")
    await expect(video).to_be_visible()
    plays = "video => !video.paused && video.muted && video.currentTime > 3"
    await eventually(lambda: video.evaluate(plays), page=page, what="it plays")
    await expect(page.locator(".best")).to_be_hidden()
    await expect(page.locator(".cliplane path")).to_have_count(1)
    await eventually(lambda: video.evaluate("video => video.currentTime > 4.5"), page=page, what="the object is in the clip")
    await eventually(lambda: _boxes(page), page=page, what="boxes over the clip")
    await page.keyboard.press("b")
    assert not await _boxes(page)
    await page.keyboard.press(" ")
    await expect(page.get_by_role("button", name="Play")).to_be_visible()
    await page.keyboard.press("z")
    await expect(page.get_by_role("dialog").get_by_role("img")).to_be_visible()


async def test_a_decided_alert_says_who_was_told(alerts: Page, stub: AlertStub) -> None:
    """Each channel has its time, next try or reason, an unsure one says so, and the verdict is listed the same way."""
    await alerts.keyboard.press("j")
    await alerts.keyboard.press("j")
    await expect(_heading(alerts)).to_contain_text("Loading dock")
    await expect(alerts.locator(".verdict h2")).to_contain_text("“umbrella”")
    sent = alerts.locator(".sents")
    for text in ("Sent to 3 channels", "0.4 s, may have arrived twice", "550 no such mailbox"):
        await expect(sent).to_contain_text(text)
    for text in ("Dismissal sent to 1 channel", "2nd try in "):
        await expect(sent).to_contain_text(text)
    await alerts.get_by_role("button", name="Send again").click()
    await alerts.get_by_label("Note for the record").fill("a toy after all")
    await alerts.get_by_role("button", name="Save note").click()
    await expect(alerts.locator("#polite")).to_have_text("Note saved")
    assert [asked[:2] for asked in stub.asked] == [
        ("POST", "alert-loading-dock/deliveries/email-candidate/again"), ("PATCH", "alert-loading-dock"),
    ]  # fmt: skip


async def test_filters_say_what_they_leave_out(alerts: Page) -> None:
    """Segments carry their counts, an empty one says so with a way on, and export takes what is shown."""
    await alerts.get_by_role("button", name="Dismissed 1").click()
    await expect(alerts.locator(".allist .alrow")).to_have_count(1)
    await alerts.get_by_role("button", name="Export").click()
    link = await alerts.get_by_role("link", name="Data set for training (ZIP)").get_attribute("href") or ""
    assert link.startswith("/api/alerts/export.zip?since=")
    assert link.endswith("&state=dismissed")
    await alerts.keyboard.press("Escape")
    await alerts.get_by_role("button", name="Expired").click()
    await expect(alerts.get_by_role("heading", name="No expired alerts today")).to_be_visible()
    await alerts.get_by_role("button", name="Show all").click()
    await expect(alerts.locator(".allist .alrow")).to_have_count(3)
    await expect(alerts.locator(".mkb")).to_have_count(3)
    await alerts.locator(".mkb").first.dispatch_event("click")
    await expect(_heading(alerts)).to_contain_text("Loading dock")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [320, 1440])
async def test_alerts_are_readable(browser: Browser, server: RunningServer, stub: AlertStub, width: int, theme: str) -> None:
    """List and detail fit at every width, with a contrast of 4.5 and targets of their size; on a phone they are two screens."""
    async with new_page(browser, width=width, height=800, theme=theme) as page:
        await stub.open(page, server.url)
        await expect(page.locator(".allist .alrow")).to_have_count(3)
        await _readable(page, width)
        if width < 768:
            await expect(_heading(page)).to_be_hidden()
            await page.locator(".alrow").first.click()
            await expect(page.locator(".allist")).to_be_hidden()
        await expect(_heading(page)).to_contain_text("Counter east")
        await _readable(page, width)
        await page.keyboard.press("d")
        await expect(page.get_by_role("button", name="Undo")).to_be_visible()
        await _readable(page, width)


async def _readable(page: Page, width: int) -> None:
    assert (lowest := await page.evaluate(LOWEST_CONTRAST))["ratio"] >= 4.5, lowest
    assert await fits(page)
    faulty = await page.evaluate(FAULTY_TARGETS, 44 if width < 768 else 24)
    # a mark of the lane is as wide as its time; the row of the list is the target for a finger (WCAG 2.5.8, equivalent)
    assert [target for target in faulty if 'class="mkb' not in target] == []


async def test_without_alerts_it_says_who_watches(browser: Browser, server: RunningServer, tmp_path: Path) -> None:
    """No alerts today: how many cameras watch, and when they were last checked."""
    async with new_page(browser) as page:
        await AlertStub([], folder=tmp_path).open(page, server.url)
        await expect(page.get_by_role("heading", name="No alerts today")).to_be_visible()
        await expect(page.locator(".alempty")).to_contain_text("6 cameras watching, last checked ")


async def test_less_motion_shows_the_moment_that_is_asked_for(browser: Browser, server: RunningServer, stub: AlertStub) -> None:
    """With reduced motion a step through the clip shows its frame in the place of the best one, and does not play."""
    async with new_page(browser) as page:
        await page.emulate_media(reduced_motion="reduce")
        await stub.open(page, server.url)
        await expect(page.locator(".cliplane path")).to_have_count(1)
        await page.get_by_role("slider", name="Position in the clip").press("ArrowRight")
        await expect(page.locator(".best")).to_be_hidden()
        await expect(page.locator("video.film-video")).to_be_visible()
        assert await page.locator("video.film-video").evaluate("video => video.paused")


async def test_a_day_that_did_not_come_is_not_called_empty(page: Page, server: RunningServer, tmp_path: Path) -> None:
    """While the alerts of another day are asked for, and when no answer comes, nothing is said of how many there are."""
    await AlertStub([], folder=tmp_path).open(page, server.url)
    await expect(page.get_by_role("heading", name="No alerts today")).to_be_visible()
    enough = asyncio.Event()

    async def fail(route: Route) -> None:
        await enough.wait()
        await route.abort()

    await page.route("**/api/alerts?since=*", fail, times=1)
    await page.get_by_label("Day", exact=True).select_option("yesterday")
    await expect(page.get_by_role("heading", name="Opening")).to_be_visible()
    enough.set()
    await expect(page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    await page.get_by_role("button", name="Try now").click()
    await expect(page.get_by_role("heading", name="No alerts yesterday")).to_be_visible()


async def test_only_a_deleted_alert_is_called_gone(page: Page, server: RunningServer, tmp_path: Path) -> None:
    """An alert that could not be asked for is asked for again; one that the server does not have any more is gone."""
    stub = AlertStub([], folder=tmp_path)
    await stub.open(page, server.url)
    late = make_alert("Counter east")
    await page.route(f"**/api/alerts/{late['id']}", lambda route: route.abort(), times=1)
    await page.evaluate("id => (location.hash = `#/alerts/${id}`)", late["id"])
    await expect(page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    stub.alerts[late["id"]] = late
    await page.get_by_role("button", name="Try now").click()
    await expect(_heading(page)).to_contain_text("Counter east")
    await page.route("**/api/alerts/deleted", lambda route: route.fulfill(status=404, json={"status": 404}), times=1)
    await page.evaluate("location.hash = '#/alerts/deleted'")
    await expect(page.get_by_role("heading", name="This alert is not here any more")).to_be_visible()


async def test_less_motion_plays_nothing_by_itself(browser: Browser, server: RunningServer, stub: AlertStub) -> None:
    """With reduced motion the best frame stays until Play is pressed; Live says what an alert keeps."""
    async with new_page(browser) as page:
        await page.emulate_media(reduced_motion="reduce")
        await stub.open(page, server.url)
        await expect(page.get_by_role("button", name="Play")).to_be_visible()
        await expect(page.locator(".best")).to_be_visible()
        await expect(page.locator(".cliplane path")).to_have_count(1)  # the clip is there
        await expect(page.locator("video.film-video")).to_be_hidden()
        await page.get_by_role("button", name="Play").click()
        await expect(page.locator(".best")).to_be_hidden()
        await page.goto(f"{server.url}/#/live")
        kept = "Only an alert keeps its picture and a few seconds of video on the server."
        await expect(page.locator(".live-page .empty")).to_contain_text(kept)
        assert await page.title() == "(2) Live - Sightline"
