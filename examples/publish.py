#!/usr/bin/env python3
"""Publishes a file or a camera over WHIP and prints what is found in each frame. Needs aiortc and aiohttp.

python examples/publish.py clip.mp4 --url http://127.0.0.1:5000/whip --key KEY
python examples/publish.py /dev/video0 --format v4l2
"""

import argparse
import asyncio
import json
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer


async def main() -> None:
    """Publishes until the video ends, or until Ctrl+C."""
    options = parse_options()
    player = MediaPlayer(options.source, format=options.format)
    # Without a configuration aiortc would ask a public STUN server.
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver(player.video, direction="sendonly")
    # An extension of the server's: each processed frame sends its detections here.
    connection.createDataChannel("detections").on("message", show)
    ended = asyncio.Event()
    player.video.on("ended", ended.set)
    connection.on("connectionstatechange", lambda: connection.connectionState in ("closed", "failed") and ended.set())
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    async with aiohttp.ClientSession(headers=headers) as http:
        session = await publish(connection, http, url=options.url)
        try:
            await ended.wait()
        finally:
            await http.delete(session)
            await connection.close()


async def publish(connection: RTCPeerConnection, http: aiohttp.ClientSession, *, url: str) -> str:
    """Sends the offer and takes the answer; returns the session's address."""
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp
    async with http.post(url, data=offer, headers={"Content-Type": "application/sdp"}) as response:
        answer = await response.text()
        if response.status != 201:
            raise SystemExit(f"{response.status} {answer}")
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return urljoin(url, response.headers["Location"])


def show(text: str) -> None:
    """Prints one frame's detections."""
    message = json.loads(text)
    if "results" in message:
        found = ", ".join(f"{one['name']} {one['confidence']:.0%}" for one in message["results"]) or "nothing"
        print(f"{message['pts']:8.2f} s  {message['age_ms']:5.0f} ms  {found}", flush=True)


def parse_options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Publish video and print what is found in it.")
    parser.add_argument("source", help="a video file, or a device such as /dev/video0")
    parser.add_argument("--format", help="of a device: v4l2, avfoundation or dshow")
    parser.add_argument("--url", default="http://127.0.0.1:5000/whip")
    parser.add_argument("--key", default="", help="API key")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
