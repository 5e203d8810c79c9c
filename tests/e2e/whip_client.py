"""A WHIP client as a program of its own: sends numbered pictures, reads what comes back, prints what it saw as JSON.

`python -m tests.e2e.whip_client URL [--codec vp8] ...`; it knows nothing of the server but the contract.
"""

import argparse
import asyncio
import dataclasses
import json
import sys
import time
from typing import Any

import aiohttp
import av
import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack
from yarl import URL

from server.transports.aiortc_changes import AiortcChanges, apply
from tests.e2e.disturbed_packets import disturb_packets
from tests.marked_video import MarkedVideoTrack, coloured_pixels, read_number


@dataclasses.dataclass
class Report:
    """What the client saw; milliseconds, round trips from before encoding to after decoding, `after` from before the offer."""

    location: str = ""
    answer: str = ""
    connected: bool = False
    connected_after_ms: float | None = None
    first_picture_after_ms: float | None = None
    sent: int = 0
    returned: int = 0
    unreadable: int = 0
    backwards: int = 0
    annotated: int = 0
    round_trip_ms: dict[str, float] = dataclasses.field(default_factory=dict)
    longest_gap_ms: float = 0.0
    messages: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    message_count: int = 0
    events: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Viewer:
    """Reads the video that comes back."""

    def __init__(self, sent_at: dict[int, float], report: Report, *, began_at: float, warm_up_s: float) -> None:
        self._began_at = began_at
        self._sent_at = sent_at
        self._report = report
        self._counts_from = time.monotonic() + warm_up_s
        self._round_trips_ms: list[float] = []
        self._last_number = -1
        self._last_at: float | None = None

    async def watch(self, track: MediaStreamTrack) -> None:
        """Reads until the track ends."""
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self._see(frame)
        except MediaStreamError:
            pass

    def finish(self) -> None:
        """Puts the percentiles into the report."""
        if self._round_trips_ms:
            p50, p95, p99 = np.percentile(self._round_trips_ms, [50, 95, 99])
            self._report.round_trip_ms = {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)}

    def _see(self, frame: av.VideoFrame) -> None:
        now = time.monotonic()
        picture = np.asarray(frame.to_ndarray(), dtype=np.uint8)
        report = self._report
        if not report.returned:
            report.first_picture_after_ms = round((now - self._began_at) * 1000)
        report.returned += 1
        report.annotated += coloured_pixels(picture) > 50
        number = read_number(picture)
        if number is None or number not in self._sent_at:
            report.unreadable += 1
            return
        report.backwards += number < self._last_number
        self._last_number = number
        if now >= self._counts_from:
            self._round_trips_ms.append((now - self._sent_at[number]) * 1000)
            if self._last_at is not None:
                report.longest_gap_ms = max(report.longest_gap_ms, (now - self._last_at) * 1000)
            self._last_at = now


class Client:
    """One WHIP session."""

    def __init__(self, options: argparse.Namespace, ice_servers: list[RTCIceServer]) -> None:
        self._began_at = time.monotonic()
        self._options = options
        self.report = Report()
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=ice_servers))
        self._track = MarkedVideoTrack(fps=options.fps, width=options.width, height=options.height)
        self._viewer: Viewer | None = None
        self._watching: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._pc.on("track", self._take_track)
        self._pc.on("connectionstatechange", self._note_state)

    async def run(self) -> None:
        """Connects, sends for as long as asked, and leaves."""
        channel = self._pc.createDataChannel("detections") if self._options.channel else None
        self._add_media()
        await self._pc.setLocalDescription(await self._pc.createOffer())
        async with aiohttp.ClientSession(headers=self._headers()) as http:
            await self._offer(http)
            if self._options.half_open:
                await asyncio.sleep(self._options.seconds)
                return
            await self._connect()
            print(json.dumps({"connected": True, "location": self.report.location}), flush=True)  # noqa: T201
            await self._send(channel)
            if self._options.delete:
                await http.delete(self.report.location)
        await self._leave()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._options.key}"} if self._options.key else {}

    def _add_media(self) -> None:
        transceiver = self._pc.addTransceiver(self._track, direction=self._options.direction)
        wanted = f"video/{self._options.codec}"
        codecs = get_capabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType.lower() in (wanted, "video/rtx")])
        if self._options.audio:
            self._pc.addTransceiver(AudioStreamTrack(), direction="sendonly")

    async def _offer(self, http: aiohttp.ClientSession) -> None:
        offer = self._pc.localDescription.sdp
        async with http.post(self._options.url, data=offer, headers={"Content-Type": "application/sdp"}) as response:
            answer = await response.text()
            if response.status != 201:
                raise SystemExit(f"{response.status} {answer}")
            self.report.location = str(response.url.join(URL(response.headers["Location"])))
        self.report.answer = answer
        if not self._options.half_open:
            await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(10):
                await self._connected.wait()
        except TimeoutError:
            raise SystemExit("not connected") from None
        self.report.connected = True

    async def _send(self, channel: RTCDataChannel | None) -> None:
        if channel is not None:
            channel.on("message", self._take_message)
        ends_at = time.monotonic() + self._options.seconds
        for control in self._options.control:
            await asyncio.sleep(1.0)
            if channel is not None:
                channel.send(control)
        await asyncio.sleep(max(0.0, ends_at - time.monotonic()))
        self.report.sent = len(self._track.sent_at)

    async def _leave(self) -> None:
        await self._pc.close()
        if self._watching is not None:
            self._watching.cancel()
        if self._viewer is not None:
            self._viewer.finish()

    def _note_state(self) -> None:
        if self._pc.connectionState == "connected":
            self.report.connected_after_ms = round((time.monotonic() - self._began_at) * 1000)
            self._connected.set()

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._viewer = Viewer(self._track.sent_at, self.report, began_at=self._began_at, warm_up_s=self._options.warm_up)
            self._watching = asyncio.ensure_future(self._viewer.watch(track))

    def _take_message(self, text: str) -> None:
        self.report.message_count += 1
        message = json.loads(text)
        # The newest tell what holds at the end, the others are only counted; what happens is rare, and told once.
        self.report.messages = [*self.report.messages[-39:], message]
        if "event" in message:
            self.report.events.append(message)


async def ice_servers(options: argparse.Namespace) -> list[RTCIceServer]:
    """Those that the server names, as the page asks for them."""
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(URL(options.url).join(URL("/api/info"))) as answer:
        named = (await answer.json())["iceServers"]
    return [RTCIceServer(one["urls"], one.get("username"), one.get("credential")) for one in named]


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--key", default="")
    parser.add_argument("--codec", choices=["h264", "vp8"], default="h264")
    parser.add_argument("--direction", choices=["sendrecv", "sendonly"], default="sendrecv")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--reorder", type=float, default=0.0)
    parser.add_argument("--control", action="append", default=[], help="one a second is sent, in order")
    parser.add_argument("--audio", action="store_true")
    parser.add_argument("--no-channel", dest="channel", action="store_false")
    parser.add_argument("--delete", action="store_true", help="end with DELETE before closing")
    parser.add_argument("--ice-servers", action="store_true", help="use those that /api/info names")
    parser.add_argument("--half-open", action="store_true", help="take the answer and never connect")
    parser.add_argument("--plain", action="store_true", help="aiortc as it is; otherwise as prompt as a browser")
    return parser.parse_args(arguments)


async def main() -> None:
    """Runs one session and prints the report as the last line."""
    options = parse_options(sys.argv[1:])
    apply(AiortcChanges() if not options.plain else AiortcChanges(receiver=None, bitrates=None, quick_consent=False))
    if options.loss or options.reorder:
        disturb_packets(loss=options.loss, reorder=options.reorder)
    client = Client(options, await ice_servers(options) if options.ice_servers else [])
    await client.run()
    print(json.dumps(dataclasses.asdict(client.report)), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
