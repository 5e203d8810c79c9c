"""Firefox for tests, driven by WebDriver BiDi over its own WebSocket: no driver program stands between."""

import asyncio
import itertools
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

PREFERENCES: dict[str, bool | int | str] = {
    # A camera that draws, allowed without asking.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    # Candidates by address, also of loopback: a machine may have no other interface, and no multicast names.
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    # Nothing is asked of the outside.
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
# A first start with an empty profile on a busy machine.
START_TIMEOUT_S = 60


def find_firefox() -> str:
    """The path of a Firefox, or a skip that says why: SIGHTLINE_FIREFOX, else what the system has."""
    named = os.environ.get("SIGHTLINE_FIREFOX")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if not found:
        pytest.skip("no Firefox found: install one or name it in SIGHTLINE_FIREFOX")
    return found


class Firefox:
    """A headless Firefox with one tab; `await Firefox.start(profile)`, then `aclose()`."""

    def __init__(self, process: asyncio.subprocess.Process, http: aiohttp.ClientSession) -> None:
        self._process = process
        self._http = http
        self._numbers = itertools.count(1)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._tab = ""

    @classmethod
    async def start(cls, profile: Path) -> Self:
        """Starts one with an empty profile in that folder."""
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            find_firefox(),
            *("--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"),
            env={**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        firefox = cls(process, aiohttp.ClientSession())
        try:
            await firefox._open()
        except BaseException:
            await firefox.aclose()
            raise
        return firefox

    async def goto(self, url: str) -> None:
        """Opens a page and waits until it is loaded."""
        await self._command("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        wrapped = f"(async () => JSON.stringify(await ({expression}) ?? null))()"
        result = await self._command(
            "script.evaluate", expression=wrapped, target={"context": self._tab}, awaitPromise=True, userActivation=True
        )
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        return json.loads(result["result"]["value"])

    async def eventually(self, expression: str, *, timeout_s: float = 20) -> None:
        """Waits until an expression holds; the limit only ends a test that would hang."""
        async with asyncio.timeout(timeout_s):
            while not await self.evaluate(expression):  # noqa: ASYNC110 - the page tells nobody
                await asyncio.sleep(0.1)

    async def aclose(self) -> None:
        """Ends it."""
        if self._socket is not None:
            await self._socket.close()
        await self._http.close()
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _open(self) -> None:
        async with asyncio.timeout(START_TIMEOUT_S):
            address = await self._address()
            self._reading = asyncio.create_task(self._discard_output(), name="read what Firefox prints")
            self._socket = await self._http.ws_connect(f"{address}/session", max_msg_size=0)
            await self._command("session.new", capabilities={})
            contexts = await self._command("browsingContext.getTree", maxDepth=0)
            self._tab = contexts["contexts"][0]["context"]

    async def _address(self) -> str:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            if found := re.search(rb"WebDriver BiDi listening on (ws://\S+)", line):
                return found.group(1).decode()
        raise AssertionError("Firefox ended before it listened")

    async def _discard_output(self) -> None:
        assert self._process.stderr is not None
        while await self._process.stderr.read(4096):
            pass

    async def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result; nothing else is subscribed to, so the next answer is its own."""
        assert self._socket is not None
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer: dict[str, Any] = {}
        while answer.get("id") != number:
            answer = await self._socket.receive_json(timeout=60)
        assert answer["type"] == "success", answer
        result: dict[str, Any] = answer["result"]
        return result
