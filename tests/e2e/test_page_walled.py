"""Live in a network in which UDP is lost on the way, as behind many firewalls."""

import logging
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.e2e.browser import FLAGS, camera_flags, eventually, find_chromium, new_page, state_is
from tests.e2e.test_page_fallback import NO_MEDIA, falls_back
from tests.e2e.test_page_live import boxes_are_drawn
from tests.e2e.walled_network import SERVER, WalledNetwork, walled_network
from tests.server_process import ServerProcess

pytestmark = pytest.mark.e2e
logger = logging.getLogger(__name__)

RECEIVE = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
    receiver.bind(("{address}", 9000))
    receiver.settimeout(1.5)
    print("bound", flush=True)
    try:
        receiver.recv(1)
        print("received")
    except TimeoutError:
        print("nothing")
"""
SEND = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"x", ("{address}", 9000))
"""


@pytest.fixture(scope="module")
def network() -> Iterator[WalledNetwork]:
    """A client and a server with a firewall between them."""
    with walled_network() as walled:
        yield walled


def wrapper(path: Path, command: tuple[str, ...]) -> Path:
    """A program that runs Chromium as the end of a command."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join([*command, find_chromium()])} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def test_udp_is_lost_on_the_way(network: WalledNetwork) -> None:
    """The network is what it is meant to be: a datagram to the server never arrives."""
    program = [*network.server, sys.executable, "-c", RECEIVE.format(address=SERVER)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "bound\n"
        subprocess.run([*network.client, sys.executable, "-c", SEND.format(address=SERVER)], check=True, timeout=10)
        assert receiver.communicate(timeout=10)[0] == "nothing\n"


@pytest.mark.asyncio(loop_scope="session")
async def test_boxes_are_on_the_page_although_udp_is_lost(
    network: WalledNetwork,
    playwright: Playwright,
    firearm_camera: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """After one press of Start the annotated picture is there; how long it took is reported, and asserted nowhere."""
    command = (*network.server, sys.executable, "-m", "server", "serve", "--port", "0")
    with ServerProcess("--host", SERVER, "--insecure", command=command) as server:
        address = server.url.rstrip("/")
        flags = [*FLAGS, *camera_flags(firearm_camera), f"--unsafely-treat-insecure-origin-as-secure={address}"]
        program = wrapper(tmp_path / "chromium", network.client)
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        async with new_page(browser) as page:
            await page.goto(f"{address}/#/live")
            await expect(page.locator(".screen")).to_be_visible()
            pressed_at = time.monotonic()
            await page.click("[data-action=start]")
            await state_is(page, "picture")
            await eventually(lambda: boxes_are_drawn(page), page=page, what="an orange box in the picture")
            seconds = time.monotonic() - pressed_at
            await falls_back(page, NO_MEDIA)
        await browser.close()
    record_property("seconds_from_start_to_boxes", round(seconds, 1))
    logger.info("UDP lost on the way: boxes on the page %.1f s after Start", seconds)
