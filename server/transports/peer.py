"""The peer connection of a session: aiortc's, negotiated our way, and closed without a trace."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from aiortc import RTCDataChannel, RTCIceCandidate, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.domain.errors import Busy, InvalidRequest, Unprocessable
from server.pipeline.packet_ring import PacketRing
from server.transports.aiortc_receiver import keep_in_ring, last_packet_of, lost_frames_of, receipt_of
from server.transports.ice import IceServer, rtc_configuration
from server.transports.sdp import Offer

logger = logging.getLogger(__name__)

# aiortc's close() waits for its own tasks; should one of them hang, the session's place is freed all the same.
CLOSE_TIMEOUT_S = 5.0

_NEGOTIATION_ERRORS = (InvalidAccessError, InvalidStateError, OperationError, ValueError)


class Peer:
    """One client's connection.

    `on_state` is called with each state of the connection, `on_channel` with each data channel that the client opens. `video`
    is the client's video track once its offer is answered, `receipt_of` tells when the last packet of a frame of it arrived;
    both stay None where `receives` is false: then we only send. Audio tracks are read and thrown away.
    """

    def __init__(
        self,
        *,
        ice_servers: tuple[IceServer, ...],
        on_state: Callable[[str], None],
        on_channel: Callable[[RTCDataChannel], None],
        receives: bool = True,
    ) -> None:
        self.video: MediaStreamTrack | None = None
        self.receipt_of: Callable[[int], float | None] | None = None
        self._receiver: RTCRtpReceiver | None = None
        self._receives = receives
        self._discarding: list[asyncio.Task[None]] = []
        self._pc = RTCPeerConnection(rtc_configuration(ice_servers))
        self._pc.on("connectionstatechange", lambda: on_state(self._pc.connectionState))
        self._pc.on("datachannel", on_channel)
        self._pc.on("track", self._take_track)

    async def answer(self, offer: Offer, *, returned: MediaStreamTrack | None) -> str:
        """Returns the SDP answer and starts connecting; `returned` is sent back in the video section.

        Raises Unprocessable for what aiortc cannot answer and Busy where no UDP port is free.
        """
        self._prefer_h264()
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            if returned is not None:
                self._pc.addTrack(returned)
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except _NEGOTIATION_ERRORS as exc:
            raise Unprocessable(f"the offer cannot be answered: {exc}") from exc
        answer: str = self._pc.localDescription.sdp
        if "a=candidate:" not in answer:
            raise Busy("no UDP port is free for another session", retry_after_s=15)
        return answer

    async def add_candidate(self, candidate: RTCIceCandidate) -> None:
        """Adds a candidate of the client's; InvalidRequest for one that cannot be added."""
        try:
            await self._pc.addIceCandidate(candidate)
        except ValueError as exc:
            raise InvalidRequest(f"the candidate cannot be added: {exc}") from exc

    @property
    def last_packet_at(self) -> float | None:
        """When the last packet of the client's video arrived; None before the first, and where aiortc is unchanged."""
        return None if self._receiver is None else last_packet_of(self._receiver)

    def keep_in(self, ring: PacketRing) -> None:
        """Keeps the encoded frames of the received video."""
        if self._receiver is not None:
            keep_in_ring(self._receiver, ring)

    def lost_frames(self) -> int:
        """Frames of the client's video that were given up before they were decoded."""
        return 0 if self._receiver is None else lost_frames_of(self._receiver)

    async def close(self) -> None:
        """Ends the connection; sockets, threads and tasks are gone when this returns."""
        for task in self._discarding:
            task.cancel()
        closing = asyncio.create_task(self._pc.close(), name="close the peer connection")
        closed, _ = await asyncio.wait([closing], timeout=CLOSE_TIMEOUT_S)
        if not closed:
            logger.warning("the peer connection did not close within %g s", CLOSE_TIMEOUT_S)
            closing.cancel()
            await asyncio.wait([closing])
        if self._discarding:
            await asyncio.wait(self._discarding)
        if closed:
            closing.result()

    def _prefer_h264(self) -> None:
        """H.264 costs the least to encode; VP8 is always accepted."""
        known = get_capabilities("video").codecs
        first = [codec for codec in known if codec.mimeType.lower() == "video/h264"]
        transceiver = self._pc.addTransceiver("video", direction="recvonly" if self._receives else "sendonly")
        transceiver.setCodecPreferences(first + [codec for codec in known if codec not in first])

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            receiver = next(receiver for receiver in self._pc.getReceivers() if receiver.track is track)
            self.video, self.receipt_of, self._receiver = track, partial(receipt_of, receiver), receiver
        else:
            self._discarding.append(asyncio.create_task(_discard(track), name="discard audio"))


async def _discard(track: MediaStreamTrack) -> None:
    """Reads a track and throws away what comes, because aiortc queues what nobody reads."""
    try:
        while True:
            await track.recv()
    except MediaStreamError:
        pass
