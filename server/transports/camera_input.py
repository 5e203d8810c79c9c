"""Opening a camera with FFmpeg, and what its refusals mean in words."""

import contextlib
import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.container import InputContainer

from server.domain.camera import Credentials
from server.domain.errors import CameraFailed
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import HTTP, RTSP, CameraAddress, Transport
from server.transports.camera_http import HttpBody, HttpOpener

_HLS_TYPES = frozenset({"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"})
_MULTIPART = "multipart/x-mixed-replace"
# Nothing that leads on to further files: no playlists, no lists of pictures.
_FILE_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,mjpeg,h264,hevc,ogg"
# Enough to find the size of the picture; more only delays the first frame.
_PROBE = {"fflags": "discardcorrupt", "flags": "low_delay", "analyzeduration": "1500000", "fpsprobesize": "0"}
# How long packets that came out of order are waited for (UDP).
_REORDER_US = 100_000
# HLS brings pieces of some seconds: between two of them nothing comes.
HLS_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLimits:
    """How long a camera may take to answer, and to send the next packet; and how large its picture may be."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 4.0
    max_pixels: int = 3840 * 2160


@dataclass(frozen=True, slots=True)
class CameraInput:
    """An opened camera. `paced` ones come faster than they are to be shown (files, HLS); `repeats` begins again at the end."""

    container: InputContainer
    close: Callable[[], None]
    paced: bool = False
    repeats: bool = False


def open_camera(
    address: CameraAddress, *, credentials: Credentials | None, policy: AddressPolicy, limits: CameraLimits
) -> CameraInput:
    """Opens a camera. Blocks, up to twice the time-out to connect: on a thread of its own.

    Raises AddressRefused and CameraFailed.
    """
    policy.check(address)
    if address.path is not None:
        with in_words(address):
            return _open_file(address, policy=policy, limits=limits)
    if address.scheme in HTTP:
        with in_words(address):
            return _open_http(address, credentials=credentials, policy=policy, limits=limits)
    url = address.at(policy.resolve(address.host, address.port), credentials=credentials)
    if address.scheme in RTSP:
        return _open_rtsp(address, url=url, limits=limits)
    with in_words(address):
        return _input(_open(url, options={"rtmp_live": "live", **_PROBE}, limits=limits))


def _open_rtsp(address: CameraAddress, *, url: str, limits: CameraLimits) -> CameraInput:
    if address.transport is not None:
        with in_words(address):
            return _input(_open(url, options=_rtsp_options(address.transport, limits), limits=limits))
    try:
        with in_words(address):
            return _input(_open(url, options=_rtsp_options("tcp", limits), limits=limits))
    except CameraFailed as exc:
        if exc.unauthorised or exc.knock:  # the other transport would be refused in the same way
            raise
    with in_words(address):
        return _input(_open(url, options=_rtsp_options("udp", limits), limits=limits))


def _rtsp_options(transport: Transport, limits: CameraLimits) -> dict[str, str]:
    return {
        "rtsp_transport": transport,
        "allowed_media_types": "video",
        "timeout": str(round(limits.read_timeout_s * 1_000_000)),
        "max_delay": str(_REORDER_US),
        **_PROBE,
    }


def _open_file(address: CameraAddress, *, policy: AddressPolicy, limits: CameraLimits) -> CameraInput:
    path = policy.check_file(address.path) if address.path is not None else None
    if path is not None and path.is_char_device():
        return _input(_open(str(path), format="video4linux2", options=_PROBE, limits=limits))
    options = {"protocol_whitelist": "file", "format_whitelist": _FILE_FORMATS}
    container = _open(f"file:{path}", options=options, limits=limits)
    return CameraInput(container, container.close, paced=True, repeats=True)


def _open_http(
    address: CameraAddress, *, credentials: Credentials | None, policy: AddressPolicy, limits: CameraLimits
) -> CameraInput:
    opener = HttpOpener(
        address,
        policy=policy,
        credentials=credentials,
        connect_timeout_s=limits.connect_timeout_s,
        read_timeout_s=limits.read_timeout_s,
    )
    body = opener.open(address.url)
    if body.content_type in _HLS_TYPES or address.url.partition("?")[0].endswith((".m3u8", ".m3u")):
        body.close()
        return _open_hls(address, opener=opener, limits=limits)
    with contextlib.ExitStack() as unused:
        unused.callback(body.close)
        opened = _open_body(body, limits=limits)
        unused.pop_all()
    return opened


def _open_hls(address: CameraAddress, *, opener: HttpOpener, limits: CameraLimits) -> CameraInput:
    options = {"live_start_index": "-1", "http_persistent": "0", "http_multiple": "0", "protocol_whitelist": "http,https"}
    patient = CameraLimits(
        connect_timeout_s=limits.connect_timeout_s, read_timeout_s=HLS_PATIENCE_S, max_pixels=limits.max_pixels
    )
    container = _open(
        address.url, format="hls", options=options, limits=patient, io_open=lambda url, _flags, _options: opener.open(url)
    )
    return CameraInput(container, container.close, paced=True)


def _open_body(body: HttpBody, *, limits: CameraLimits) -> CameraInput:
    if body.content_type == _MULTIPART:
        container = _open(body, format="mpjpeg", options={"strict_mime_boundary": "0", **_PROBE}, limits=limits)
    else:
        options = {"format_whitelist": _FILE_FORMATS, **_PROBE}
        container = _open(body, options=options, limits=limits)

    def close() -> None:
        container.close()
        body.close()

    return CameraInput(container, close)


def _open(source: Any, *, options: dict[str, str], limits: CameraLimits, **more: Any) -> InputContainer:
    timeout = (limits.connect_timeout_s, limits.read_timeout_s)
    container: InputContainer = av.open(source, mode="r", options=options, timeout=timeout, **more)
    return container


def _input(container: InputContainer) -> CameraInput:
    return CameraInput(container, container.close)


@contextlib.contextmanager
def in_words(address: CameraAddress) -> Iterator[None]:
    """Turns what FFmpeg and the system raise into CameraFailed.

    Their texts, and so the chain of causes, hold the address with its password: they end here.
    """
    try:
        yield
    except (av.FFmpegError, OSError, http.client.HTTPException) as exc:
        failure = _failure(exc, address)
    else:
        return
    raise failure from None


# The first that fits decides; {place} is the host with its port, or the path. The last word is whether to knock there.
_SENTENCES: tuple[tuple[tuple[type[Exception], ...], str, bool], ...] = (
    ((av.HTTPNotFoundError,), "The camera answers, but knows nothing under this path.", False),
    ((FileNotFoundError, IsADirectoryError), "There is no file {place}.", False),
    ((ConnectionRefusedError,), "Nothing answers at {place}: the connection is refused.", True),
    ((TimeoutError, av.ExitError), "No reply from {place}.", True),
    ((ConnectionError, EOFError), "{place} has ended the connection.", False),
    ((av.InvalidDataError,), "What {place} sends is no video that can be read.", False),
    ((av.FFmpegError,), "{place} cannot be opened.", False),
    ((OSError,), "{place} cannot be reached.", True),
)


def _failure(exc: Exception, address: CameraAddress) -> CameraFailed:
    if isinstance(exc, av.HTTPUnauthorizedError | av.HTTPForbiddenError):
        return CameraFailed("The camera does not accept this user name and password.", unauthorised=True)
    for kinds, sentence, knock in _SENTENCES:
        if isinstance(exc, kinds):
            return CameraFailed(sentence.format(place=address.place), knock=knock)
    return CameraFailed(f"{address.place} does not speak as it should.")
