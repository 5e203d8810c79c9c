"""Churn: 1,000 sessions of all kinds, opened and closed, some badly; what the server holds has to stay as it is."""

import asyncio
import contextlib
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.report.results import write_result
from server.media.picture import encode_jpeg
from tests.faults.witness import Witness
from tests.inference.tiny_models import make_onnx
from tests.marked_video import MarkedVideoTrack
from tests.server_process import ServerProcess
from tests.transports.rig import Client, ReadingPeer, eventually

SESSIONS = 1000
BATCH, AT_ONCE = 20, 4
# What is made once, such as threads and the memory of encoders, is there after so many.
PLATEAU_FROM = 200
ROWS = ("sessions", "resident_mib", "descriptors", "threads", "box_age_ms")
SDP = {"Content-Type": "application/sdp"}
JPEG = encode_jpeg(np.full((240, 320, 3), 90, np.uint8))


class Churn:
    """Opens and closes sessions beside one that stays."""

    def __init__(self, http: aiohttp.ClientSession, url: str, witness: Witness) -> None:
        self._http = http
        self._url = url
        self._witness = witness
        self.given_up = 0
        self._kinds = itertools.cycle(
            [
                self._webcam("h264"),
                self._webcam("vp8"),
                self._publisher,
                self._viewer,
                self._websocket,
                self._webcam("h264"),
                self._killed,
                self._viewer,
                self._websocket,
                self._half_open,
            ]
        )

    async def batch(self) -> None:
        """BATCH sessions, AT_ONCE at a time; returns when the server has none of them any more."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(kind: Callable[[], Awaitable[None]]) -> None:
            async with gate:
                try:
                    await kind()
                except (
                    TimeoutError,
                    ConnectionError,
                ):  # the machine was busy with something else; that leaves nothing either
                    self.given_up += 1

        await asyncio.gather(*(one(next(self._kinds)) for _ in range(BATCH)))
        while await self._active() > 1:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.1)

    async def _active(self) -> int:
        async with self._http.get(f"{self._url}api/info") as answer:
            return int((await answer.json())["active"])

    def _webcam(self, codec: str) -> Callable[[], Awaitable[None]]:
        async def webcam() -> None:
            """A page that shows its camera, then says goodbye."""
            peer = Client(codec=codec, track=_camera())
            location = await self._open(peer, "whip?return=annotated")
            await eventually(lambda: len(peer.numbers) > 2 and peer.messages, within_s=20)
            await self._delete(location)
            await peer.close()

        return webcam

    async def _publisher(self) -> None:
        """One that only sends, and leaves without a word."""
        peer = Client(direction="sendonly", track=_camera())
        await self._open(peer, "whip")
        await eventually(lambda: peer.messages, within_s=20)
        await peer.close()

    async def _viewer(self) -> None:
        """Somebody who watches the one that stays."""
        peer = ReadingPeer()
        peer.add_video("video", direction="recvonly", codec="h264")
        location = await self._open(peer, f"whep/{self._witness.location.rpartition('/')[2]}")
        await eventually(lambda: len(peer.numbers) > 2, within_s=20)
        await self._delete(location)
        await peer.close()

    async def _websocket(self) -> None:
        """A page behind a firewall."""
        async with self._http.ws_connect(f"{self._url}ws/stream") as socket:
            for _ in range(4):
                await socket.send_bytes(JPEG)
                await socket.receive(timeout=20)
                await socket.receive(timeout=20)

    async def _half_open(self) -> None:
        """One that never connects."""
        peer = Client()
        offer = await peer.offer()
        async with self._http.post(f"{self._url}whip", data=offer, headers=SDP) as answer:
            assert answer.status == 201
        await peer.close()

    async def _killed(self) -> None:
        """One whose datagrams stop from one moment to the next."""
        peer = Client(track=_camera())
        await self._open(peer, "whip?return=annotated")
        await eventually(lambda: peer.messages, within_s=20)
        for sender in peer.pc.getSenders():
            connection = sender.transport.transport._connection  # noqa: SLF001 - the way to be gone without a word
            for protocol in connection._protocols:  # noqa: SLF001 - likewise
                protocol.transport.abort()
        with contextlib.suppress(ConnectionError):
            await peer.close()

    async def _open(self, peer: ReadingPeer, path: str) -> str:
        async with self._http.post(f"{self._url}{path}", data=await peer.offer(), headers=SDP) as answer:
            text = await answer.text()
            assert answer.status == 201, text
            await peer.accept(text)
            return answer.headers["Location"]

    async def _delete(self, location: str) -> None:
        async with self._http.delete(f"{self._url}{location.removeprefix('/')}") as answer:
            assert answer.status == 200, await answer.text()


def _camera() -> MarkedVideoTrack:
    return MarkedVideoTrack(fps=10, width=512, height=128)


def run(*, sessions: int = SESSIONS) -> None:
    """Measures the server after each batch, when all of it is closed again."""
    environ = {
        "SIGHTLINE_LIVE__CONNECT_TIMEOUT_S": "3",
        "SIGHTLINE_LIVE__MEDIA_TIMEOUT_S": "2",
        "SIGHTLINE_ALERTS__ENABLED": "false",
    }
    with tempfile.TemporaryDirectory() as folder, ServerProcess(*_model(Path(folder)), environ=environ) as server:
        samples = asyncio.run(_measure(server, sessions=sessions))
        warnings = [line for line in server.lines if " warning " in line or " error " in line]
    figures = _figures(samples, warnings=warnings)
    write_result("churn", figures)


def _model(folder: Path) -> tuple[str, str]:
    """One that takes next to no time: it is sessions that are opened and closed here."""
    return "--model", str(make_onnx(folder / "tiny.onnx"))


async def _measure(server: ServerProcess, *, sessions: int) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = []
    started = time.monotonic()
    connector = aiohttp.TCPConnector(force_close=True)  # so that no connection is kept open
    async with aiohttp.ClientSession(connector=connector) as http, Witness.publishing(http, server.url) as witness:
        churn = Churn(http, server.url, witness)
        while (done := BATCH * len(samples)) < sessions:
            await churn.batch()
            age = await witness.keeps_up()
            at_s = round(time.monotonic() - started, 1)
            samples.append(
                {"sessions": done + BATCH, "at_s": at_s, **_size(server), "box_age_ms": age, "given_up": churn.given_up}
            )
            print(samples[-1], flush=True)
    return samples


def _size(server: ServerProcess) -> dict[str, Any]:
    folder = f"/proc/{server.process.pid}"
    return {
        "resident_mib": round(server.resident_mib, 1),
        "descriptors": len(os.listdir(f"{folder}/fd")),  # noqa: PTH208 - a count
        "threads": len(os.listdir(f"{folder}/task")),  # noqa: PTH208 - a count
    }


def _figures(samples: list[dict[str, Any]], *, warnings: list[str]) -> dict[str, Any]:
    plateau = [sample for sample in samples if sample["sessions"] >= PLATEAU_FROM]
    memory = statistics.median(sample["resident_mib"] for sample in plateau)
    away = [abs(sample["resident_mib"] / memory - 1) * 100 for sample in plateau]
    ages = [sample["box_age_ms"] for sample in samples]
    shown = samples[:: max(1, len(samples) // 25)]
    return {
        "sessions": samples[-1]["sessions"],
        "minutes": round(samples[-1]["at_s"] / 60, 1),
        "resident_mib": {"plateau": memory, "first": samples[0]["resident_mib"], "last": samples[-1]["resident_mib"]},
        "most_away_from_the_plateau_percent": round(max(away), 1),
        "descriptors": _change(plateau, "descriptors"),
        "threads": _change(plateau, "threads"),
        "box_age_ms_of_the_one_that_stays": {"median": statistics.median(ages), "worst": max(ages)},
        "given_up_by_the_client": samples[-1]["given_up"],
        "warnings": len(warnings),
        "over the sessions": [{name: sample[name] for name in ROWS} for sample in shown],
    }


def _change(plateau: list[dict[str, Any]], name: str) -> dict[str, int]:
    """A count at the beginning and the end of the plateau, and how much it has grown."""
    first, last = plateau[0][name], plateau[-1][name]
    return {"first": first, "last": last, "more": last - first}
