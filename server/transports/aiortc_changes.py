"""The changes to aiortc's behaviour: all of them, each with its reason and its switch, for one version only."""

import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version

import aioice.ice
import aiortc.clock
from aiortc import codecs, rtcdtlstransport, rtcpeerconnection, rtcrtpreceiver, rtcrtpsender, rtcsctptransport
from aiortc.codecs.base import Decoder, Encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from OpenSSL import SSL

from server.transports.aiortc_receiver import FreshReceiver, ReceiverChanges
from server.transports.aiortc_sender import TellingSender
from server.transports.bounded_decoder import BoundedDecoder, is_video
from server.transports.encoders import Bitrates, create_encoder
from server.transports.message_bound import bounded
from server.transports.port_guard import PortGuard
from server.transports.steady_clock import SteadyClock

logger = logging.getLogger(__name__)

CHECKED_VERSIONS = {"aiortc": "1.16", "aioice": "0.13"}

# With these a peer that was killed is noticed after 8 to 12 s: four times the interval, which varies by a fifth, and the half
# second that each answer may take.
CONSENT_INTERVAL_S = 2
CONSENT_FAILURES = 4

# aiortc's, and the same for RSA.
DTLS_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
)

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class AiortcChanges:
    """What is changed; None or False leaves aiortc and aioice as they are.

    `receiver`: less delay and no freezes in what is received; see ReceiverChanges. It also carries the time of receipt to the
    source, so that time spent waiting for the decoder counts as age.
    `bitrates`: encoders of ours with these bitrates. aiortc's x264 runs at preset medium (14.3 ms a frame instead of 2.9), both
    encoders restart with every change of the estimate, and bitrates are module constants (at most 3 and 1.5 Mbit/s).
    `shared_encoding`: a sender keeps to itself that its receiver asks for a key frame, and what bitrate it estimates. With this
    a track that brings encoded video is told, so that one encoding can serve all viewers of a stream.
    `quick_consent`: a peer that was killed is noticed within 15 s instead of 32 (RFC 7675 allows 30).
    `quiet_decoder`: every frame that cannot be decoded logs a warning, so a peer that sends garbage would fill the log; with
    this there is one line in ten seconds.
    `max_pixels`: a decoder makes room for the picture that a frame claims: 2.2 GB for 1 KB of VP8. With this it takes no larger
    one.
    `bounded_messages`: aiortc announces a largest message and a window, and holds a peer to neither, so one message could take
    all memory. With this a peer that has more than 64 KiB of unfinished messages under way loses its data channels.
    `guarded_ports`: aioice hands on whatever arrives on a port, so a stranger's empty datagram ended a session; see PortGuard.
    `steady_clock`: aiortc measures durations with the wall's clock, so setting it stopped all video; see SteadyClock.
    `quiet_sends`: aiortc sends messages in tasks that nobody waits for, so one that goes out as the connection ends leaves a
    traceback in the log. With this it counts as lost on the way; the association ends with the connection.
    `rsa_peers`: aiortc offers only ciphers for ECDSA certificates. GStreamer's is RSA (1.22), so as DTLS server, which our
    answer makes it, it finds no cipher in common and nothing connects.
    `loopback_candidates`: a machine that has only the loopback interface offers that; aioice then offers nothing.
    """

    receiver: ReceiverChanges | None = field(default_factory=ReceiverChanges)
    bitrates: Bitrates | None = field(default_factory=Bitrates)
    shared_encoding: bool = True
    quick_consent: bool = True
    quiet_decoder: bool = True
    max_pixels: int | None = None
    bounded_messages: bool = True
    guarded_ports: bool = True
    steady_clock: bool = True
    quiet_sends: bool = True
    rsa_peers: bool = True
    loopback_candidates: bool = True


def apply(changes: AiortcChanges) -> Undo:
    """Changes aiortc for this process, before any peer connection is made; returns what undoes it.

    With another version of aiortc or aioice than the one that this was written for, nothing is changed and one line is logged.
    """
    if not _is_checked_version():
        return lambda: None
    return functools.partial(_undo_all, _change_media(changes) + _change_connections(changes))


def _change_media(changes: AiortcChanges) -> list[Undo]:
    """Receiving, decoding, encoding and sending."""
    undo: list[Undo] = []
    if changes.receiver is not None:
        receiver = functools.partial(FreshReceiver, changes=changes.receiver)
        undo.append(_replace(rtcpeerconnection, "RTCRtpReceiver", receiver))
    if changes.bitrates is not None:
        undo.append(_replace(rtcrtpsender, "get_encoder", _encoder_getter(changes.bitrates)))
    if changes.shared_encoding:
        undo.append(_replace(rtcpeerconnection, "RTCRtpSender", TellingSender))
    if changes.quiet_decoder:
        undo.append(_filter(logging.getLogger("aiortc.rtcrtpreceiver"), _OneInTenSeconds()))
    if changes.max_pixels is not None:
        undo.append(_replace(rtcrtpreceiver, "get_decoder", _decoder_getter(changes.max_pixels)))
    if changes.steady_clock:
        steady = SteadyClock()
        undo.append(_replace(aiortc.clock, "current_datetime", steady.current_datetime))
        undo += [_replace(module, "time", steady) for module in (rtcrtpreceiver, rtcrtpsender, rtcsctptransport)]
    return undo


def _change_connections(changes: AiortcChanges) -> list[Undo]:
    """ICE, DTLS and data channels."""
    undo: list[Undo] = []
    if changes.quick_consent:
        undo.append(_replace(aioice.ice, "CONSENT_INTERVAL", CONSENT_INTERVAL_S))
        undo.append(_replace(aioice.ice, "CONSENT_FAILURES", CONSENT_FAILURES))
    if changes.bounded_messages:
        transport = rtcsctptransport.RTCSctpTransport
        undo.append(_replace(transport, "_receive_data_chunk", bounded(transport._receive_data_chunk)))  # noqa: SLF001
    if changes.guarded_ports:
        protocol = aioice.ice.StunProtocol
        undo.append(_replace(protocol, "datagram_received", PortGuard().guarded(protocol.datagram_received)))
    if changes.quiet_sends:
        transport = rtcsctptransport.RTCSctpTransport
        undo.append(_replace(transport, "_send_chunk", _quiet(transport._send_chunk)))  # noqa: SLF001
    if changes.rsa_peers:
        certificate = rtcdtlstransport.RTCCertificate
        undo.append(_replace(certificate, "_create_ssl_context", _with_rsa(certificate._create_ssl_context)))  # noqa: SLF001
    if changes.loopback_candidates:
        undo.append(_replace(aioice.ice, "get_host_addresses", _host_addresses(aioice.ice.get_host_addresses)))
    return undo


def _decoder_getter(max_pixels: int) -> Callable[[RTCRtpCodecParameters], Decoder]:
    def get_decoder(codec: RTCRtpCodecParameters) -> Decoder:
        decoder = codecs.get_decoder(codec)
        return BoundedDecoder(decoder, max_pixels=max_pixels) if is_video(codec) else decoder

    return get_decoder


def _quiet(send: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Returns what sends a chunk of SCTP, and loses it where the connection has ended."""

    async def send_or_lose(transport: rtcsctptransport.RTCSctpTransport, chunk: rtcsctptransport.Chunk) -> None:
        try:
            await send(transport, chunk)
        except ConnectionError:
            logger.debug("a chunk for a peer that is gone was not sent")

    return send_or_lose


class _OneInTenSeconds(logging.Filter):
    """Lets one warning in ten seconds through, and everything that is not a warning."""

    def __init__(self) -> None:
        super().__init__()
        self._next_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno != logging.WARNING:
            return True
        if record.created < self._next_at:
            return False
        self._next_at = record.created + 10
        return True


def _filter(filtered: logging.Logger, by: logging.Filter) -> Undo:
    filtered.addFilter(by)
    return functools.partial(filtered.removeFilter, by)


def _undo_all(undo: list[Undo]) -> None:
    while undo:
        undo.pop()()


def unchecked_versions() -> list[str]:
    """The libraries whose installed version is another one than the changes were checked with, with that version."""
    found = {name: version(name) for name in CHECKED_VERSIONS}
    return [f"{name} {found[name]}" for name, checked in CHECKED_VERSIONS.items() if not found[name].startswith(f"{checked}.")]


def _is_checked_version() -> bool:
    other = unchecked_versions()
    if other:
        logger.warning(
            "%s is not what our changes were checked with (%s): it stays as it is, and live video has more delay",
            " and ".join(other),
            ", ".join(f"{name} {checked}" for name, checked in CHECKED_VERSIONS.items()),
        )
    return not other


def _replace(module: object, name: str, value: object) -> Undo:
    before = getattr(module, name)
    setattr(module, name, value)
    return functools.partial(setattr, module, name, before)


def _encoder_getter(bitrates: Bitrates) -> Callable[[RTCRtpCodecParameters], Encoder]:
    """Returns aiortc's `get_encoder`, except for the codecs that we have an encoder of our own for."""
    return lambda codec: create_encoder(codec.mimeType, bitrates=bitrates) or codecs.get_encoder(codec)


def _with_rsa(original: Callable[..., SSL.Context]) -> Callable[..., SSL.Context]:
    """Returns the maker of DTLS contexts, with ciphers for RSA certificates behind those that aiortc offers."""

    def create(certificate: rtcdtlstransport.RTCCertificate, srtp_profiles: list[object]) -> SSL.Context:
        context = original(certificate, srtp_profiles)
        context.set_cipher_list(DTLS_CIPHERS)
        return context

    return create


def _host_addresses(original: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Returns aioice's `get_host_addresses`, with the loopback address where there is no other."""
    return lambda use_ipv4, use_ipv6: original(use_ipv4, use_ipv6) or ["127.0.0.1"]
