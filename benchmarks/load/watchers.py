"""Viewers of one stream in a process of their own: WHEP players and MJPEG readers, one of them stalled.

`python -m benchmarks.load.watchers SERVER STREAM [--whep 10] [--seconds 60]`; prints what they got as JSON. The players do all
but decode: on the machine that is measured, decoding would weigh as much as the server's encoding.
"""

import argparse
import asyncio
import json
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from benchmarks.load.counting_decoder import count_instead_of_decoding

# Longer than the server's default patience with one that reads nothing.
STALL_S = 20.0


async def watch_whep(http: aiohttp.ClientSession, url: str, *, seconds: float) -> None:
    """Watches as a player does that takes H.264."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    reading: list[asyncio.Task[None]] = []
    pc.on("track", lambda track: reading.append(asyncio.create_task(_read(track))))
    pc.addTransceiver("video", direction="recvonly")
    await pc.setLocalDescription(await pc.createOffer())
    async with http.post(url, data=pc.localDescription.sdp, headers={"Content-Type": "application/sdp"}) as answer:
        answer.raise_for_status()
        await pc.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))
    await asyncio.sleep(seconds)
    await pc.close()
    await asyncio.gather(*reading)


async def read_mjpeg(http: aiohttp.ClientSession, url: str, *, seconds: float) -> int:
    """Reads as fast as pictures come; returns how many there were."""
    parts = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), http.get(url) as answer:
            answer.raise_for_status()
            while True:
                headers = await answer.content.readuntil(b"\r\n\r\n")
                length = next(line for line in headers.split(b"\r\n") if line.startswith(b"Content-Length: "))
                await answer.content.readexactly(int(length.split()[1]))
                parts += 1
    return parts


async def stall_mjpeg(url: str, *, seconds: float) -> int:
    """Asks and never reads, again and again as the server cuts it off; returns how often."""
    address, times, until = urlsplit(url), 0, asyncio.get_running_loop().time() + seconds
    while (left_s := until - asyncio.get_running_loop().time()) > 0:
        connection = socket.create_connection((str(address.hostname), int(address.port or 80)))
        connection.sendall(f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        times += 1
        await asyncio.sleep(min(STALL_S, left_s))
        connection.close()
    return times


async def _read(track: MediaStreamTrack) -> None:
    with suppress(MediaStreamError):
        while True:
            await track.recv()


async def main() -> None:
    """Watches for as long as asked, and prints the report as the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("stream")
    parser.add_argument("--whep", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    decoders = count_instead_of_decoding()
    mjpeg = f"{options.server}api/streams/{options.stream}/mjpeg"
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        address = f"{options.server}whep/{options.stream}"
        for _ in range(options.whep):
            tasks.create_task(watch_whep(http, address, seconds=options.seconds))
        reader = tasks.create_task(read_mjpeg(http, mjpeg, seconds=options.seconds))
        stalled = tasks.create_task(stall_mjpeg(mjpeg, seconds=options.seconds))
    whep = [decoder.pictures for decoder in decoders]
    print(json.dumps({"whep_pictures": whep, "mjpeg_pictures": reader.result(), "stalls": stalled.result()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
