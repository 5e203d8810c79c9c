"""Live where WebRTC does not get through: the page goes over a WebSocket by itself, says why, and knows a way back."""

import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, Route, expect

from tests.e2e.browser import (
    RunningServer,
    ServerFactory,
    camera_flags,
    eventually,
    exit_code_of,
    go_live,
    launch,
    new_page,
    no_streams,
    open_place,
    state_is,
)
from tests.e2e.test_page_live import boxes_are_drawn, boxes_are_gone

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
NO_MEDIA = "UDP did not get through within 5 s, so pictures arrive a little later."
NO_ADDRESS = "The server offers no address that this network can reach."
NO_WEBRTC = "This browser has no WebRTC."
BROKE = "The video connection broke twice in a minute."

WITHOUT_WEBRTC = "delete window.RTCPeerConnection"
WITHOUT_WEBSOCKET = """
  const Real = WebSocket;
  window.WebSocket = class extends Real { constructor() { super(`ws://${location.host}/nothing`); } };
"""
KEEP_CONNECTION = """
  const Real = RTCPeerConnection;
  window.RTCPeerConnection = class extends Real { constructor(...given) { super(...given); window.connection = this; } };
"""
# Counts pictures that were sent and not answered yet, each answer being one text and one picture.
COUNT_UNANSWERED = """
  const Real = WebSocket;
  window.counts = { sent: 0, answered: 0, most: 0 };
  window.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => { if (typeof data !== "string") counts.answered += 1; });
    }
    send(data) {
      if (typeof data !== "string") counts.most = Math.max(counts.most, ++counts.sent - counts.answered);
      super.send(data);
    }
  };
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def walled_browser(playwright: Playwright, firearm_camera: Path) -> AsyncIterator[Browser]:
    """A Chromium whose WebRTC may use no UDP, with the camera that shows the drawn firearm."""
    running = await launch(playwright, *camera_flags(firearm_camera), NO_UDP)
    yield running
    await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def walled(walled_browser: Browser) -> AsyncIterator[Page]:
    """A page without UDP."""
    async with new_page(walled_browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def simple(page: Page) -> Page:
    """A page in a browser that has no WebRTC: it need not try for 5 s."""
    await page.add_init_script(WITHOUT_WEBRTC)
    return page


async def falls_back(page: Page, reason: str) -> None:
    """Waits until the page runs over a WebSocket for this reason."""
    note = page.locator(".note.warn", has_text="Running over WebSocket.")
    await expect(note).to_contain_text(f"Running over WebSocket. {reason}", timeout=20_000)
    await expect(page.locator("[data-cell=transport] dd").first).to_contain_text("WebSocket")


async def uses_webrtc(page: Page) -> None:
    """Waits until the page runs over WebRTC, and no note says otherwise."""
    await state_is(page, "picture")
    await expect(page.locator("[data-cell=transport] dd").first).to_contain_text("WebRTC")
    await expect(page.get_by_text("Running over WebSocket.")).to_be_hidden()


async def hide_addresses(route: Route) -> None:
    """An answer of a server without addresses."""
    answer = await route.fetch()
    lines = (await answer.text()).split("\r\n")
    await route.fulfill(response=answer, body="\r\n".join(line for line in lines if not line.startswith("a=candidate")))


async def test_without_udp_the_page_falls_back_by_itself(walled: Page, server: RunningServer) -> None:
    """One press of Start is enough: boxes in the picture, the firearm in the list, and a note that says why it took a while."""
    await go_live(walled, server)
    await falls_back(walled, NO_MEDIA)
    await eventually(lambda: boxes_are_drawn(walled), page=walled, what="an orange box in the picture")
    await expect(walled.locator(".sightings li").first).to_contain_text("Firearm", timeout=20_000)
    assert len(await server.streams()) == 1


async def test_trying_webrtc_again_where_it_still_fails(walled: Page, server: RunningServer) -> None:
    """The page tries, and is back on the WebSocket by itself; the server has one session only."""
    await go_live(walled, server)
    await falls_back(walled, NO_MEDIA)
    await walled.get_by_role("button", name="Try WebRTC again").click()
    await state_is(walled, "connecting")
    await state_is(walled, "picture")
    await falls_back(walled, NO_MEDIA)
    assert len(await server.streams()) == 1


async def test_starting_again_does_not_wait_again(walled: Page, server: RunningServer) -> None:
    """What was found out holds for this tab: the second start goes over the WebSocket at once."""
    await go_live(walled, server)
    await walled.get_by_role("button", name="Stop").click()
    await no_streams(server, walled)
    offers: list[str] = []
    walled.on("request", lambda request: offers.append(request.url) if "/whip" in request.url else None)
    await walled.click("[data-action=start]")
    await state_is(walled, "picture")
    await falls_back(walled, NO_MEDIA)
    assert offers == []


async def test_the_last_place_is_enough_to_fall_back(walled: Page, start_server: ServerFactory) -> None:
    """The place of the attempt that failed is free before the WebSocket asks for one."""
    server = start_server("--max-sessions", "1")
    await go_live(walled, server)
    await falls_back(walled, NO_MEDIA)


async def test_webrtc_is_taken_up_again(page: Page, server: RunningServer) -> None:
    """Where the server names no address the reason says so; once it does, Try WebRTC again leads back."""
    await page.add_init_script("""
      Object.defineProperty(RTCPeerConnection.prototype, "localDescription", { configurable: true, get() {
        const { type, sdp } = this.currentLocalDescription ?? this.pendingLocalDescription;
        return { type, sdp: window.reachable ? sdp : sdp.replace(/a=candidate.*\\r\\n/g, "") };
      } });
    """)
    await page.route("**/whip?*", hide_addresses)
    await go_live(page, server)
    await falls_back(page, NO_ADDRESS)
    await page.unroute("**/whip?*")
    await page.evaluate("window.reachable = true")
    await page.get_by_role("button", name="Try WebRTC again").click()
    await uses_webrtc(page)
    await eventually(lambda: boxes_are_drawn(page), page=page, what="an orange box in the picture")
    assert len(await server.streams()) == 1


async def test_a_server_without_a_free_udp_port(page: Page, start_server: ServerFactory) -> None:
    """Where every port of the range is taken the server cannot answer an offer, and the page goes another way."""
    with _a_taken_port() as port:
        server = start_server(env={"SIGHTLINE_WEBRTC__UDP_PORT_MIN": port, "SIGHTLINE_WEBRTC__UDP_PORT_MAX": port})
        await go_live(page, server)
        await falls_back(page, NO_ADDRESS)


@contextmanager
def _a_taken_port() -> Iterator[str]:
    """A UDP port that is taken on every address of this machine."""
    both = socket.has_dualstack_ipv6()
    with socket.socket(socket.AF_INET6 if both else socket.AF_INET, socket.SOCK_DGRAM) as taken:
        if both:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        taken.bind(("", 0))
        yield str(taken.getsockname()[1])


async def test_a_browser_without_webrtc(simple: Page, server: RunningServer) -> None:
    """It goes over the WebSocket at once, and is not offered what it does not have."""
    await go_live(simple, server)
    await falls_back(simple, NO_WEBRTC)
    await expect(simple.get_by_role("button", name="Try WebRTC again")).to_have_count(0)
    await eventually(lambda: boxes_are_drawn(simple), page=simple, what="an orange box in the picture")


async def test_the_own_stream_is_not_listed_as_that_of_another(simple: Page, browser: Browser, server: RunningServer) -> None:
    """Over a WebSocket, too, the page knows which of the running streams is its own."""
    async with new_page(browser) as other:
        await open_place(other, server)
        await go_live(simple, server)
        listed = other.get_by_role("region", name="Running streams")
        await expect(listed).to_contain_text("Camera in the browser", timeout=10_000)
        await expect(simple.get_by_role("region", name="Running streams")).to_be_hidden()


async def test_a_connection_that_breaks_twice(page: Page, server: RunningServer) -> None:
    """The first break is repaired over WebRTC; after the second within a minute the page goes over the WebSocket."""
    await page.add_init_script(KEEP_CONNECTION)
    await go_live(page, server)
    for _ in range(2):
        await uses_webrtc(page)
        await page.evaluate("connection.close()")
        await state_is(page, "lost")
    await state_is(page, "picture")
    await falls_back(page, BROKE)
    await page.get_by_role("button", name="Try WebRTC again").click()
    await uses_webrtc(page)


async def test_where_nothing_gets_through(walled: Page, server: RunningServer) -> None:
    """When the WebSocket is stopped on its way, too, the page says so and offers what works; nothing stays on the server."""
    await walled.add_init_script(WITHOUT_WEBSOCKET)
    await open_place(walled, server)
    await walled.click("[data-action=start]")
    await state_is(walled, "noMedia")
    await expect(walled.get_by_role("button", name="Try again")).to_be_visible()
    await expect(walled.get_by_role("button", name="Check a picture")).to_be_visible()
    await no_streams(server, walled)


async def test_a_full_server_is_told_over_the_websocket_too(
    simple: Page, browser: Browser, start_server: ServerFactory
) -> None:
    """A browser does not tell a page why a WebSocket was refused; the page finds out, and goes live when there is room."""
    server = start_server("--max-sessions", "1")
    async with new_page(browser) as other:
        await go_live(other, server)
        await open_place(simple, server)
        await simple.click("[data-action=start]")
        await state_is(simple, "full")
        await expect(simple.get_by_role("heading", name="All 1 places are taken")).to_be_visible()
        await other.get_by_role("button", name="Stop").click()
        await no_streams(server, simple)
    await simple.get_by_role("button", name="Try now").click()
    await state_is(simple, "picture")


async def test_never_more_than_two_pictures_are_unanswered(simple: Page, server: RunningServer) -> None:
    """However slow the server is, the page queues nothing: pictures are taken when there is room for them."""
    await simple.add_init_script(COUNT_UNANSWERED)
    await go_live(simple, server)

    async def many() -> bool:
        return int(await simple.evaluate("counts.answered")) > 30

    await eventually(many, page=simple, what="thirty answers")
    assert await simple.evaluate("counts.most") <= 2


async def test_controls_act_over_the_websocket(simple: Page, server: RunningServer) -> None:
    """Confidence, classes and boxes do what they do over WebRTC."""
    await go_live(simple, server)
    await eventually(lambda: boxes_are_drawn(simple), page=simple, what="an orange box in the picture")
    await simple.get_by_role("button", name="Boxes").click()
    await eventually(lambda: boxes_are_gone(simple), page=simple, what="no box in the picture")
    await expect(simple.locator(".sightings li").first).to_contain_text("In view")
    await simple.get_by_role("button", name="Boxes").click()
    await eventually(lambda: boxes_are_drawn(simple), page=simple, what="the box is back")
    await simple.get_by_label("Confidence at least").fill("73")

    async def in_force() -> bool:
        return [stream["conf"] for stream in await server.streams()] == [0.73]

    await eventually(in_force, page=simple, what="the stream's confidence is 73 %")
    await expect(simple.get_by_text("did not take the new setting")).to_have_count(0)


async def test_the_strip_measures_the_websocket(simple: Page, server: RunningServer) -> None:
    """Age, frames, detector and size have values, and the age is graded."""
    await go_live(simple, server)
    await expect(simple.locator("[data-cell=picture] dd").first).to_contain_text("640\u00d7480")
    for cell in ("age", "frames", "detector"):
        await expect(simple.locator(f"[data-cell={cell}] dd").first).not_to_contain_text("\u2013")
    await expect(simple.locator("[data-cell=age] dt .st")).not_to_be_empty()
    await expect(simple.locator("[data-cell=transport] .st.warn")).to_be_visible()


async def test_stop_and_leaving_free_the_place(simple: Page, server: RunningServer) -> None:
    """Stop ends the session, and so does a tab that is closed."""
    await go_live(simple, server)
    await simple.get_by_role("button", name="Stop").click()
    await no_streams(server, simple)
    await simple.click("[data-action=start]")
    await state_is(simple, "picture")
    watcher = await simple.context.new_page()
    await simple.close()
    await no_streams(server, watcher)


async def test_the_sample_clip_goes_over_the_websocket(simple: Page, server: RunningServer) -> None:
    """It takes the same way as a camera."""
    await go_live(simple, server, action="sample")
    await expect(simple.locator(".chip")).to_contain_text("Sample clip")
    await expect(simple.locator(".sightings li").first).to_contain_text("Firearm", timeout=20_000)


async def test_a_lost_websocket_comes_back_by_itself(simple: Page, start_server: ServerFactory) -> None:
    """The server is gone and comes back: the page is live again, over the WebSocket."""
    server = start_server()
    await go_live(simple, server)
    server.kill()
    await state_is(simple, "lost")
    start_server("--port", str(server.port))
    await state_is(simple, "picture", timeout_s=40)
    await falls_back(simple, NO_WEBRTC)


async def test_a_restarting_server_tells_over_the_websocket(simple: Page, start_server: ServerFactory) -> None:
    """The note says until when; the end is the server's."""
    server = start_server(env={"SIGHTLINE_SERVER__DRAIN_S": "2"})
    await go_live(simple, server)
    server.process.send_signal(signal.SIGTERM)
    await expect(simple.locator(".note", has_text="Your session goes on until")).to_be_visible()
    await state_is(simple, "ended")
    await expect(simple.locator(".empty p")).to_have_text("The server has been restarted.")
    assert await exit_code_of(server, simple) == 0


async def test_a_session_ended_by_the_server(simple: Page, server: RunningServer) -> None:
    """An operator ends the stream: the page says so, and Start again is live once more."""
    await go_live(simple, server)
    for stream in await server.streams():
        await simple.request.delete(f"{server.url}/api/streams/{stream['id']}")
    await state_is(simple, "ended")
    await simple.get_by_role("button", name="Start again").click()
    await state_is(simple, "picture")


@pytest.mark.parametrize(
    ("host", "addresses", "reason"),
    [
        ("localhost", ["127.0.0.1"], NO_MEDIA),
        ("127.0.0.1", ["192.168.1.5"], NO_MEDIA),
        ("[::1]", ["127.0.0.1"], NO_MEDIA),
        ("192.168.1.5", ["192.168.1.5"], NO_MEDIA),
        ("camera", ["10.0.0.3"], NO_MEDIA),
        ("camera.lan", ["10.0.0.3"], NO_MEDIA),
        ("sight.example", ["172.17.0.2", "203.0.113.7"], NO_MEDIA),
        ("203.0.113.7", ["203.0.113.7"], NO_MEDIA),
        ("sight.example", [], NO_ADDRESS),
        ("sight.example", ["172.17.0.2", "fd00::5"], NO_ADDRESS),
        ("203.0.113.7", ["10.0.0.3"], NO_ADDRESS),
        ("192.168.1.5", ["127.0.0.1"], NO_ADDRESS),
    ],
)
async def test_the_reason_is_read_from_the_answer(
    page: Page, server: RunningServer, host: str, addresses: list[str], reason: str
) -> None:
    """Addresses of a private network help only whoever is in one, loopback only on the same machine."""
    lines = [f"a=candidate:1 1 udp 2130706431 {address} 40000 typ host" for address in addresses]
    await open_place(page, server)
    found = await page.evaluate(
        "async ([sdp, host]) => (await import('/static/js/fallback.js')).reasonOf(sdp, host)",
        ["\r\n".join(["v=0", *lines]), host],
    )
    assert found == reason
