"""The aiortc server that everybody writes first: each frame is detected and drawn inside `recv`, which waits for both.

Runs in an environment of its own: `python -m benchmarks.peers.naive_aiortc --detector-s 0.06`. The detector sleeps, on a
thread. It takes an offer as WHIP does, so that one client measures all.
"""

import argparse
import asyncio
import time

import av
import cv2
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack as Track


class AnnotatedTrack(MediaStreamTrack):
    """The video of another track with boxes in it."""

    kind = "video"

    def __init__(self, source: Track, *, detector_s: float) -> None:
        super().__init__()
        self._source = source
        self._detector_s = detector_s

    async def recv(self) -> av.VideoFrame:
        """The next frame, once it is detected."""
        frame = await self._source.recv()
        assert isinstance(frame, av.VideoFrame)
        picture = frame.to_ndarray(format="bgr24")
        await asyncio.to_thread(time.sleep, self._detector_s)
        cv2.rectangle(picture, (200, 200), (400, 400), (0, 0, 255), 3)
        drawn = av.VideoFrame.from_ndarray(picture, format="bgr24")
        drawn.pts, drawn.time_base = frame.pts, frame.time_base
        return drawn


class Service:
    """Answers offers; a connection lives until its peer goes."""

    def __init__(self, *, detector_s: float) -> None:
        self._detector_s = detector_s
        self._connections: set[RTCPeerConnection] = set()

    async def offer(self, request: web.Request) -> web.Response:
        """The answer to an offer in SDP."""
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.add(connection)
        connection.on("track", lambda track: self._annotate(connection, track))
        await connection.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        headers = {"Location": "/whip/1"}
        sdp = connection.localDescription.sdp
        return web.Response(status=201, text=sdp, content_type="application/sdp", headers=headers)

    def _annotate(self, connection: RTCPeerConnection, track: Track) -> None:
        if track.kind == "video":
            connection.addTrack(AnnotatedTrack(track, detector_s=self._detector_s))


async def main() -> None:
    """Serves on a free port, and says which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector-s", type=float, required=True)
    app = web.Application()
    app.router.add_post("/whip", Service(detector_s=parser.parse_args().detector_s).offer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ready: http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
