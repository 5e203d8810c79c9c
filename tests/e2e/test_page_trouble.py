"""Live when something is in the way: each state has its sentence and a next step that works."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, Route, expect

from tests.e2e.browser import (
    RunningServer,
    ServerFactory,
    eventually,
    exit_code_of,
    go_live,
    launch,
    new_page,
    no_streams,
    open_place,
    state_is,
)

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

KEY = "a-key-for-the-tests-of-the-page"


@pytest_asyncio.fixture(loop_scope="session")
async def blocked_page(playwright: Playwright) -> AsyncIterator[Page]:
    """A page in a browser that refuses the camera."""
    browser = await launch(playwright, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
    async with new_page(browser) as page:
        yield page
    await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bare_page(playwright: Playwright) -> AsyncIterator[Page]:
    """A page in a browser without a camera, for which sightline.test is this machine."""
    browser = await launch(playwright, "--use-fake-ui-for-media-stream", "--host-resolver-rules=MAP sightline.test 127.0.0.1")
    async with new_page(browser) as page:
        yield page
    await browser.close()


async def test_a_refused_camera_is_explained(blocked_page: Page, server: RunningServer) -> None:
    """The page says where to allow it, and Use a video file leads on."""
    await open_place(blocked_page, server)
    await blocked_page.click("[data-action=start]")
    await state_is(blocked_page, "refused")
    await expect(blocked_page.get_by_role("heading", name="The browser blocked the camera")).to_be_visible()
    await expect(blocked_page.get_by_role("button", name="Try again")).to_be_visible()
    await blocked_page.get_by_role("button", name="Use a video file").click()
    await expect(blocked_page.get_by_role("heading", name="Find firearms in a recording")).to_be_visible()


async def test_no_camera_is_explained(bare_page: Page, server: RunningServer) -> None:
    """Without a camera the sample clip is offered, and it works."""
    await open_place(bare_page, server)
    await bare_page.click("[data-action=start]")
    await state_is(bare_page, "noCamera")
    await bare_page.get_by_role("button", name="Try the sample clip").click()
    await state_is(bare_page, "picture")


async def test_an_insecure_page_is_explained(bare_page: Page, start_server: ServerFactory) -> None:
    """Over plain http under another name the page says why there is no camera, and how to get it."""
    server = start_server(env={"SIGHTLINE_AUTH__ALLOWED_HOSTS": "sightline.test"})
    await bare_page.goto(f"http://sightline.test:{server.port}/#/live")
    await bare_page.click("[data-action=start]")
    await state_is(bare_page, "insecure")
    copy = bare_page.locator("[data-action=copyHttps]")
    await expect(copy).to_have_text("Copy https address")
    await copy.click()
    await expect(copy).to_have_text("Copied")


async def test_a_browser_that_cannot_send_video_is_told(page: Page, server: RunningServer) -> None:
    """The missing parts are named, and pictures still work."""
    await page.add_init_script("delete window.RTCPeerConnection; delete window.WebSocket")
    await open_place(page, server)
    await page.click("[data-action=start]")
    await state_is(page, "unsupported")
    await expect(page.locator(".empty")).to_contain_text("It lacks WebRTC and WebSocket.")


async def test_an_unplugged_camera_is_noticed(page: Page, server: RunningServer) -> None:
    """The session ends, the page says why, and the choice of cameras takes the focus."""
    await page.add_init_script("""
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => (window.lastCamera = await ask(wanted));
    """)
    await go_live(page, server)
    await page.evaluate("lastCamera.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    await state_is(page, "cameraGone")
    await no_streams(server, page)
    await page.get_by_role("button", name="Choose camera").click()
    await expect(page.get_by_label("Camera", exact=True)).to_be_focused()


async def test_a_full_server_is_tried_again(page: Page, browser: Browser, start_server: ServerFactory) -> None:
    """The page counts down, and Try now goes live once a place is free."""
    server = start_server("--max-sessions", "1")
    async with new_page(browser) as other:
        await go_live(other, server)
        await open_place(page, server)
        await page.click("[data-action=start]")
        await state_is(page, "full")
        await expect(page.get_by_role("heading", name="All 1 places are taken")).to_be_visible()
        await expect(page.locator(".empty p")).to_contain_text("1 of 1 live sessions are in use. We try again by ourselves in")
        await other.get_by_role("button", name="Stop").click()
        await no_streams(server, page)
    await page.get_by_role("button", name="Try now").click()
    await state_is(page, "picture")


async def test_a_loading_model_is_waited_for(page: Page, server: RunningServer) -> None:
    """While the server loads its model the page says so and starts by itself afterwards."""
    loading = {"title": "Service Unavailable", "status": 503, "detail": "the model is being loaded"}

    async def not_ready(route: Route) -> None:
        await route.fulfill(status=503, json=loading, headers={"Retry-After": "2"})

    await open_place(page, server)
    await page.route("**/whip?*", not_ready, times=1)
    await page.route("**/readyz", not_ready, times=1)
    await page.click("[data-action=start]")
    await state_is(page, "loading")
    await expect(page.get_by_role("heading", name="The model is loading")).to_be_visible()
    await state_is(page, "picture")


async def test_a_lost_connection_comes_back_by_itself(page: Page, start_server: ServerFactory) -> None:
    """The last picture stays, dimmed; the page tries again until the server is there, and is live once more."""
    server = start_server()
    await go_live(page, server)
    server.kill()
    await state_is(page, "lost", timeout_s=40)
    await expect(page.locator(".empty h2")).to_contain_text("Connection lost")
    await expect(page.locator(".empty p")).to_contain_text("The last picture is shown, it is not live.")
    assert await page.locator("video.live").evaluate("video => video.videoWidth") == 640
    await page.get_by_role("button", name="Reconnect now").click()
    await expect(page.locator(".empty p")).to_contain_text("Trying again in")
    start_server("--port", str(server.port))
    await state_is(page, "picture", timeout_s=40)


async def test_a_restarting_server_says_until_when(page: Page, start_server: ServerFactory) -> None:
    """The session goes on with a note; when it ends the page says that the server has been restarted."""
    server = start_server(env={"SIGHTLINE_SERVER__DRAIN_S": "2"})
    await go_live(page, server)
    server.process.send_signal(signal.SIGTERM)
    note = page.locator(".live-page .note").first
    await expect(note).to_contain_text("The server is being restarted Your session goes on until")
    await expect(page.locator(".chip")).to_have_text("Ending")
    await state_is(page, "ended")
    await expect(page.locator(".empty p")).to_have_text("The server has been restarted.")
    assert await exit_code_of(server, page) == 0


async def test_a_person_can_ask_to_be_connected_after_the_restart(page: Page, start_server: ServerFactory) -> None:
    """With Reconnect after, the page is live again on the new server without a further click."""
    server = start_server(env={"SIGHTLINE_SERVER__DRAIN_S": "2"})
    await go_live(page, server)
    server.process.send_signal(signal.SIGTERM)
    await page.get_by_role("button", name="Reconnect after").click()
    await state_is(page, "lost")
    server.wait()
    start_server("--port", str(server.port))
    await state_is(page, "picture", timeout_s=40)


async def test_a_session_ended_by_the_server_can_start_again(page: Page, server: RunningServer) -> None:
    """An operator ends the stream: the page says so, and Start again is live once more."""
    await go_live(page, server)
    for stream in await server.streams():
        await page.request.delete(f"{server.url}/api/streams/{stream['id']}")
    await state_is(page, "ended")
    await expect(page.get_by_role("heading", name="The session ended")).to_be_visible()
    await page.get_by_role("button", name="Start again").click()
    await state_is(page, "picture")


async def test_signing_in_out_and_in_again(page: Page, start_server: ServerFactory) -> None:
    """A wrong key is named, the right one opens the page; when the sign-in has run out, Live asks for it again."""
    server = start_server(env={"SIGHTLINE_AUTH__API_KEYS": KEY})
    await page.goto(f"{server.url}/")
    await page.get_by_label("Key").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("This key is not known here.")
    await page.get_by_label("Key").fill(KEY)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="See what the detector sees")).to_be_visible()
    await page.context.clear_cookies()
    await page.click("[data-action=start]")
    await state_is(page, "signedOut")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_label("Key")).to_be_visible()


async def test_signing_in_leads_on_to_where_the_address_points(page: Page, start_server: ServerFactory) -> None:
    """Whoever follows a link of a message and has to sign in is then where it leads, not at the first place."""
    server = start_server(env={"SIGHTLINE_AUTH__API_KEYS": KEY})
    await page.goto(f"{server.url}/#/video/no-such-video")
    await page.get_by_label("Key").fill(KEY)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="This video is not here any more")).to_be_visible()


async def test_signing_out_without_a_server_says_so(page: Page, start_server: ServerFactory) -> None:
    """The cookie cannot be taken back then, and nobody believes that it was."""
    server = start_server(env={"SIGHTLINE_AUTH__API_KEYS": KEY})
    await page.goto(f"{server.url}/#key={KEY}")
    await page.get_by_role("button", name="Account").click()
    server.kill()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#account-pop")).to_contain_text("The server does not answer. You are still signed in.")


async def test_the_printed_address_signs_in(page: Page, start_server: ServerFactory) -> None:
    """The key behind the # opens the page, which fits a small phone, and leaves the address; Sign out closes it."""
    server = start_server(env={"SIGHTLINE_AUTH__API_KEYS": KEY})
    await page.set_viewport_size({"width": 320, "height": 700})
    await page.goto(f"{server.url}/#key={KEY}")
    await expect(page.get_by_role("heading", name="See what the detector sees")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    async def hidden() -> bool:
        return KEY not in page.url

    await eventually(hidden, page=page, what="the key is not in the address")
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Key")).to_be_visible()
