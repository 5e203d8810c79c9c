"""Opening video files: which formats are taken, and what people are told of those that cannot be."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from server.domain.errors import Unprocessable, UnsupportedFormat

# FFmpeg's names. Nothing that reads other files or addresses: playlists (HLS, DASH, concat) are texts that name any file of the
# machine. Sound formats are here to be told apart from what is not media at all.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpegtsraw,mpeg,mpegvideo,flv,live_flv,asf,asf_o,ogg,mxf,mxf_opatom,ivf,"
    "h264,hevc,m4v,av1,obu,yuv4mpegpipe,dv,rm,nut,wtv,vob,dvr-ms,mjpeg,"
    "mp3,aac,wav,flac,aiff,amr,ac3,eac3,w64"
)
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
_NO_TIMES = 0x80
"""FFmpeg's AVFMT_NOTIMESTAMPS."""
MAX_PIXELS = 8192 * 8192
"""A header that claims more is damaged or hostile: FFmpeg would make room for all of it."""

NOT_A_VIDEO = "is not a video. MP4, MOV, MKV, WebM, AVI and most others work."
NO_FRAMES = "The file ends after 0 frames. Export it again and add the new file."
NO_PICTURE = "It has sound but no picture."
TOO_LARGE = "Its pictures are {width}x{height}, the limit is {limit:,} pixels (videos.max_pixels)."
TOO_LONG = "It goes on after {limit:g} s, which is longer than its header says and than the limit (videos.max_duration_s)."
DAMAGED = "The file is damaged or ends too early: its index cannot be read. Export it again and add the new file."


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its video stream, without its cover pictures. Blocks.

    Raises UnsupportedFormat for what is no video, Unprocessable for what has no picture or a damaged header, OSError when it
    cannot be read.
    """
    container = _open(path)
    try:
        stream = _video_stream(container)
        context = stream.codec_context
        context.options = {"max_pixels": str(MAX_PIXELS)}
        yield container, stream
    finally:
        container.close()


def frame_rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Average number of frames a second; where frames have no times (raw H.264) the one that the decoder found in them."""
    if container.format.flags & _NO_TIMES:
        return stream.guessed_rate or stream.average_rate
    return stream.average_rate or stream.guessed_rate


def first_sound(container: InputContainer) -> AudioStream | None:
    """The first sound track that can be decoded or copied."""
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is None:  # its coding is not known, of which the stubs do not know
            continue
        if context.sample_rate and context.channels:
            return stream
    return None


def _open(path: Path) -> InputContainer:
    try:
        return av.open(str(path.resolve()), options=_OPTIONS)
    except (av.FileNotFoundError, av.PermissionError):
        raise
    except (av.FFmpegError, ValueError) as exc:
        if _begins_like_a_video(path):
            raise Unprocessable(DAMAGED) from exc
        raise UnsupportedFormat(f"{path.name} {NOT_A_VIDEO}") from exc


def _video_stream(container: InputContainer) -> VideoStream:
    cover = av.stream.Disposition.attached_pic
    videos = [stream for stream in container.streams.video if not stream.disposition & cover]
    if videos:
        video = videos[0]
        if not hasattr(video, "codec_context") or video.codec_context is None:
            raise Unprocessable(
                "Its picture is coded in a way that is not known here. Export it as H.264 and add the new file."
            )
        return video
    if container.streams.audio:
        raise Unprocessable(NO_PICTURE)
    raise Unprocessable(NO_FRAMES)


def _begins_like_a_video(path: Path) -> bool:
    """Whether the first bytes are those of a container: then the file is damaged rather than something else."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] in (b"ftyp", b"moov", b"mdat") or head[:4] in (b"\x1aE\xdf\xa3", b"OggS") or head[8:12] == b"AVI "
