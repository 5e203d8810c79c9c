"""A WHEP viewer in the same process: takes video, sends none."""

import asyncio
import json
from typing import Any

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.marked_video import coloured_pixels, read_number
from tests.transports.rig import eventually


class Viewer:
    """An aiortc peer that reads numbered pictures."""

    def __init__(self, *, codec: str = "h264", direction: str = "recvonly", audio: bool = False) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.numbers: list[int | None] = []
        self.coloured: list[int] = []
        self.messages: list[dict[str, Any]] = []
        self.channel = self.pc.createDataChannel("detections")
        self.channel.on("message", lambda text: self.messages.append(json.loads(text)))
        self._reading: asyncio.Task[None] | None = None
        self.pc.on("track", self._take_track)
        transceiver = self.pc.addTransceiver("video", direction=direction)
        wanted = (f"video/{codec}", "video/rtx")
        transceiver.setCodecPreferences([one for one in get_capabilities("video").codecs if one.mimeType.lower() in wanted])
        if audio:
            self.pc.addTransceiver("audio", direction="recvonly")

    async def offer(self) -> str:
        """The viewer's offer with all its candidates."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp: str = self.pc.localDescription.sdp
        return sdp

    async def accept(self, answer: str) -> None:
        """Takes the answer and waits until it is connected."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await eventually(lambda: self.pc.connectionState == "connected")

    async def close(self) -> None:
        """Leaves."""
        await self.pc.close()
        if self._reading is not None:
            await self._reading

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._reading = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                picture = np.asarray(frame.to_ndarray(), dtype=np.uint8)
                self.numbers.append(read_number(picture))
                self.coloured.append(coloured_pixels(picture))
        except MediaStreamError:
            pass
