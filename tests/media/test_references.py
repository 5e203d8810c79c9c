"""Tests of files that name other files and addresses: FFmpeg could follow each of these, and does not here."""

import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest

from server.domain.errors import Unprocessable, UnsupportedFormat
from server.media.video_file import open_video
from server.media.video_probe import probe_video
from server.media.video_reader import VideoReader
from tests.video_clips import make_clip

Naming = Callable[[str], str]


def hls(target: str) -> str:
    """A playlist (RFC 8216)."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n"


def master(target: str) -> str:
    """A playlist of playlists."""
    return f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{target}\n"


def hls_key(target: str) -> str:
    """A playlist whose key lies elsewhere."""
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{target}"'
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{key}\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n"


def ffconcat(target: str) -> str:
    """FFmpeg's own list of files."""
    return f"ffconcat version 1.0\nfile '{target}'\n"


def dash(target: str) -> str:
    """A DASH manifest (ISO/IEC 23009-1)."""
    representation = f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S">'
        f'<Period><AdaptationSet mimeType="video/mp4">{representation}</AdaptationSet></Period></MPD>'
    )


def sdp(target: str) -> str:
    """A session description: whoever opens it listens, and may send."""
    del target
    lines = "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=video 5004 RTP/AVP 96"
    return "".join(f"{line}\r\n" for line in (*lines, "a=rtpmap:96 H264/90000"))


def imf(target: str) -> str:
    """A composition playlist of an Interoperable Master Format package."""
    content = f"<Id>urn:uuid:0</Id><ContentTitle>{target}</ContentTitle>"
    return f'<?xml version="1.0"?><CompositionPlaylist>{content}</CompositionPlaylist>'


NAMING: tuple[Naming, ...] = (hls, master, hls_key, ffconcat, dash, sdp, imf)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video that somebody else has uploaded."""
    return make_clip(tmp_path / "secret.mp4", frames=4)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A service on this machine, to which nobody may be led."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("naming", NAMING)
@pytest.mark.parametrize("suffix", ["", ".mp4", ".m3u8"])
def test_a_text_that_names_a_file_is_no_video(tmp_path: Path, clip: Path, naming: Naming, suffix: str) -> None:
    """Whatever it is called: what stands in it is what it is."""
    for target in (str(clip), f"file:{clip}", clip.name, "/etc/passwd", "concat:/etc/passwd|/etc/hosts", "pipe:0"):
        upload = tmp_path / f"upload{suffix}"
        upload.write_text(naming(target))
        with pytest.raises((UnsupportedFormat, Unprocessable)), open_video(upload):
            pass


@pytest.mark.parametrize("naming", NAMING)
def test_a_text_that_names_an_address_asks_nobody(tmp_path: Path, naming: Naming, listener: socket.socket) -> None:
    """Not even a connection is opened."""
    port = listener.getsockname()[1]
    for scheme in ("http", "https", "tcp", "ftp", "rtmp", "rtsp", "crypto+http", "cache:http", "async:http", "hls+http", "tls"):
        upload = tmp_path / "upload"
        upload.write_text(naming(f"{scheme}://127.0.0.1:{port}/x.ts"))
        with pytest.raises((UnsupportedFormat, Unprocessable)):
            probe_video(upload)
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("naming", [hls, ffconcat])
def test_ffmpeg_itself_would_follow_them(tmp_path: Path, clip: Path, naming: Naming) -> None:
    """So that the tests above are about something: without our lists the same text shows the other video."""
    upload = tmp_path / f"upload.{'m3u8' if naming is hls else 'ffconcat'}"
    upload.write_text(naming(clip.name))
    options = {"allowed_extensions": "ALL", "extension_picky": "0"} if naming is hls else {"safe": "0"}
    with av.open(str(upload), options=options) as container:
        assert next(container.decode(video=0)).width == 160


def test_a_quicktime_file_whose_pictures_lie_elsewhere_shows_none_of_them(tmp_path: Path, clip: Path) -> None:
    """A data reference (QuickTime File Format, `dref`) is not followed, which FFmpeg does when it is told to."""
    upload = tmp_path / "upload"
    upload.write_bytes(_with_alias(clip.read_bytes(), to=clip))
    with av.open(str(upload), options={"enable_drefs": "1", "use_absolute_path": "1"}) as container:
        assert len(list(container.decode(video=0))) == 4
    reader = VideoReader(upload)
    with pytest.raises(Unprocessable):
        next(reader.frames())


def _with_alias(movie: bytes, *, to: Path) -> bytes:
    """The movie without its pictures, which a data reference says to be in another file."""
    path = str(to).encode().lstrip(b"/")
    record = bytes(10) + b"\0" * 28 + bytes(12) + b"\0" * 64 + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">hH", -1, 0)
    alias = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    own = struct.pack(">I4sI", 12, b"url ", 1)
    assert movie.count(own) == 1
    at = movie.index(own)
    changed = bytearray(movie[:at] + alias + movie[at + 12 :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = changed.index(name) - 4
        (size,) = struct.unpack_from(">I", changed, place)
        struct.pack_into(">I", changed, place, size + len(alias) - 12)
    pictures = changed.index(b"mdat")
    (size,) = struct.unpack_from(">I", changed, pictures - 4)
    changed[pictures + 4 : pictures - 4 + size] = bytes(size - 8)
    return bytes(changed)
