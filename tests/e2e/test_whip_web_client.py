"""A page that knows nothing of us publishes with the WHIP client of the web, which trickles its candidates."""

from pathlib import Path

import pytest
from playwright.async_api import Page, Response

from tests.e2e.browser import RunningServer, eventually, no_streams

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CLIENT = Path(__file__).with_name("vendor") / "whip-whep.js"
PUBLISH = """async () => {
  const { WHIPClient } = await import("/elsewhere/whip-whep.js");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const track of stream.getTracks()) connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  window.client = new WHIPClient();
  await client.publish(connection, `${location.origin}/whip?name=elsewhere`);
}"""


async def serve_client(page: Page) -> None:
    """Puts an empty page and the client under the server's own address, as pages of other sites may not publish."""
    await page.route("**/elsewhere/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    await page.route("**/elsewhere/*.js", lambda route: route.fulfill(path=CLIENT, content_type="text/javascript"))


async def test_the_web_client_publishes(page: Page, server: RunningServer) -> None:
    """Sound and picture with a trickling offer are taken, an ICE restart is refused without harm, and stop() ends it."""
    statuses: list[tuple[str, int]] = []

    def note(response: Response) -> None:
        statuses.append((response.request.method, response.status))

    page.on("response", note)
    await serve_client(page)
    await page.goto(f"{server.url}/elsewhere/")
    await page.evaluate(PUBLISH)

    async def processed(more_than: int) -> bool:
        return any(
            stream["name"] == "elsewhere" and int(str(stream["processed"])) > more_than for stream in await server.streams()
        )

    await eventually(lambda: processed(5), page=page, what="pictures are processed")
    assert ("POST", 201) in statuses
    assert ("PATCH", 204) in statuses
    refused = await page.evaluate("client.restart().then(() => '', (error) => String(error))")
    assert "422" in refused
    [before] = [int(str(stream["processed"])) for stream in await server.streams()]
    await eventually(lambda: processed(before + 5), page=page, what="it goes on after the refused restart")
    await page.evaluate("client.stop()")
    await no_streams(server, page)
