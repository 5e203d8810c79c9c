"""aiortc's sender for video that is encoded already: what `aiortc_changes` puts in its place."""

from abc import abstractmethod

from aiortc import RTCRtpSender, rtcpeerconnection
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpSendParameters
from aiortc.rtp import RTCP_PSFB_APP, AnyRtcpPacket, RtcpPsfbPacket, unpack_remb_fci


class EncodedVideoTrack(MediaStreamTrack):
    """A track whose `recv()` returns packets that were encoded elsewhere, and which is told what its receiver asks for."""

    kind = "video"

    @abstractmethod
    def begin(self, mime_type: str) -> None:
        """The peer is connected and takes video of this type, such as `video/H264`; may be called again."""

    @abstractmethod
    def ask_for_key_frame(self) -> None:
        """The receiver has lost what it needs (PLI or FIR)."""

    @abstractmethod
    def note_estimate(self, bps: int) -> None:
        """The receiver takes its connection to have this bitrate (REMB)."""


class TellingSender(RTCRtpSender):
    """A sender that passes on to an `EncodedVideoTrack` what aiortc keeps for the encoder of its own; else it is aiortc's."""

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        """Begins to send."""
        if isinstance(self.track, EncodedVideoTrack):
            self.track.begin(parameters.codecs[0].mimeType)
        await super().send(parameters)

    def _send_keyframe(self) -> None:
        super()._send_keyframe()
        if isinstance(self.track, EncodedVideoTrack):
            self.track.ask_for_key_frame()

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        await super()._handle_rtcp_packet(packet)
        if not isinstance(self.track, EncodedVideoTrack):
            return
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            try:
                bps, ssrcs = unpack_remb_fci(packet.fci)
            except ValueError:  # not REMB, or damaged
                return
            if self._ssrc in ssrcs:
                self.track.note_estimate(bps)


def senders_tell() -> bool:
    """Whether peer connections made now have such senders."""
    return getattr(rtcpeerconnection, "RTCRtpSender", None) is TellingSender
