"""Publishers in a process of their own that send pre-encoded packets and read the annotated video back without decoding it.

`python -m benchmarks.load.packet_publishers SERVER FILM [--fps 15]`; each line `add` opens one more, `count` asks how many
pictures came back to all of them so far; both are answered by a line of JSON. The end of the input ends all.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from benchmarks.load.counting_decoder import CountingDecoder, count_instead_of_decoding
from benchmarks.load.film import read_film
from server.transports.aiortc_changes import AiortcChanges, apply
from tests.marked_video import TIME_BASE

PATIENCE_S = 20.0


class PacketTrack(MediaStreamTrack):
    """Sends the packets of a film again and again, each when it is due."""

    kind = "video"

    def __init__(self, packets: Sequence[bytes], *, fps: float) -> None:
        super().__init__()
        self._packets = packets
        self._fps = fps
        self._sent = 0
        self._began_at: float | None = None

    async def recv(self) -> Any:
        """Returns the next one, an `av.Packet`, when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        self._began_at = self._began_at or now
        await asyncio.sleep(max(0.0, self._began_at + self._sent / self._fps - now))
        packet = av.Packet(self._packets[self._sent % len(self._packets)])
        packet.pts = round(self._sent / self._fps / TIME_BASE)
        packet.time_base = TIME_BASE
        self._sent += 1
        return packet


class Publisher:
    """One WHIP session, with a data channel as the page has one."""

    def __init__(self, packets: Sequence[bytes], *, fps: float) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._track = PacketTrack(packets, fps=fps)
        self._connected = asyncio.Event()
        self._reading: list[asyncio.Task[None]] = []
        self._pc.on("track", lambda track: self._reading.append(asyncio.create_task(_read(track))))
        self._pc.on("connectionstatechange", self._note_state)

    async def open(self, http: aiohttp.ClientSession, url: str) -> None:
        """Connects; the packets flow when it returns."""
        self._pc.createDataChannel("detections")
        transceiver = self._pc.addTransceiver(self._track, direction="sendrecv")
        codecs = get_capabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType.lower() in ("video/h264", "video/rtx")])
        await self._pc.setLocalDescription(await self._pc.createOffer())
        offer = self._pc.localDescription.sdp
        async with asyncio.timeout(PATIENCE_S):
            answer = await _offer(http, url, sdp=offer)
            await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await self._connected.wait()

    async def aclose(self) -> None:
        """Leaves."""
        await self._pc.close()
        await asyncio.gather(*self._reading)

    def _note_state(self) -> None:
        if self._pc.connectionState == "connected":
            self._connected.set()


async def _offer(http: aiohttp.ClientSession, url: str, *, sdp: str) -> str:
    """Returns the answer; asks again while the server says that it is full, which it is for moments when it is overloaded."""
    while True:
        async with http.post(url, data=sdp, headers={"Content-Type": "application/sdp"}) as answer:
            text = await answer.text()
            if answer.ok:
                return text
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                raise ConnectionError(f"{answer.status}: {text}")
        await asyncio.sleep(1)


async def _read(track: MediaStreamTrack) -> None:
    with suppress(MediaStreamError):
        while True:
            await track.recv()


async def _obey(options: argparse.Namespace, publishers: list[Publisher], decoders: Sequence[CountingDecoder]) -> None:
    """Does what each line of the input says, until it ends; `decoders` are those of what comes back."""
    packets = await asyncio.to_thread(read_film, options.film)
    async with aiohttp.ClientSession() as http:
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "add":
                publisher = Publisher(packets, fps=options.fps)
                await publisher.open(http, f"{options.server}whip?return=annotated")
                publishers.append(publisher)
            returned = sum(decoder.pictures for decoder in decoders)
            print(json.dumps({"publishers": len(publishers), "returned": returned}), flush=True)


async def main() -> None:
    """Opens publishers as it is told, and closes them at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server")
    parser.add_argument("film", type=Path)
    parser.add_argument("--fps", type=float, default=15.0)
    options = parser.parse_args()
    apply(AiortcChanges())
    decoders = count_instead_of_decoding()
    publishers: list[Publisher] = []
    try:
        await _obey(options, publishers, decoders)
    finally:
        await asyncio.gather(*(publisher.aclose() for publisher in publishers))


if __name__ == "__main__":
    asyncio.run(main())
