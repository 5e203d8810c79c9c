"""Tests of reading cameras: files, MJPEG and HLS over HTTP, and what the policy keeps them from."""

import base64
import http.server
from pathlib import Path

import pytest

from server.domain.camera import Credentials
from server.domain.errors import AddressRefused, CameraFailed
from tests.transports.camera_rig import Collected, answer, here, http_server, read, send_mjpeg, write_h264

Request = http.server.BaseHTTPRequestHandler


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of H.264."""
    return write_h264(tmp_path_factory.mktemp("films") / "one.mp4", seconds=1)


@pytest.fixture(scope="session")
def hls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a playlist of pieces of a second."""
    folder = tmp_path_factory.mktemp("hls")
    options = {"hls_time": "1", "hls_list_size": "0", "hls_segment_filename": str(folder / "%d.ts")}
    write_h264(folder / "live.m3u8", seconds=4, options=options)
    return folder


def test_a_file_repeats_at_its_own_pace(film: Path) -> None:
    """Its pictures come in order, in real time, and begin again; packets come with them."""
    sink = Collected(wanted=30)
    assert read(str(film), policy=here(film), sink=sink) is None
    assert sink.numbers[:30] == [*range(25), *range(5)]
    assert sink.codec is not None
    assert sink.codec.name == "h264"
    assert [packet.keyframe for packet in sink.packets[:26]] == [True, *[False] * 24, True]


def test_converts_no_more_pictures_than_are_wanted(film: Path) -> None:
    """At five a second each fifth of twenty-five."""
    sink = Collected(wanted=5)
    read(str(film), policy=here(film), sink=sink, max_fps=5)
    assert sink.numbers[:5] == [0, 5, 10, 15, 20]


def test_a_file_that_is_not_allowed(film: Path, tmp_path: Path) -> None:
    """Neither is one that a link in an allowed folder leads to."""
    assert isinstance(read(str(film), policy=here(), sink=Collected()), AddressRefused)
    link = tmp_path / "link.mp4"
    link.symlink_to(film)
    assert isinstance(read(str(link), policy=here(tmp_path), sink=Collected()), AddressRefused)


def test_a_playlist_as_a_file_leads_nowhere(hls: Path) -> None:
    """Files lead to no other files."""
    failure = read(str(hls / "live.m3u8"), policy=here(hls), sink=Collected())
    assert isinstance(failure, CameraFailed)


def test_mjpeg_over_http() -> None:
    """Each picture once, in order."""
    sink = Collected(wanted=20)
    with http_server(send_mjpeg) as url:
        assert read(f"{url}/video.mjpg", policy=here(), sink=sink) is None
    first = sink.numbers[0] or 0
    assert sink.numbers[:20] == list(range(first, first + 20))


def test_http_passwords() -> None:
    """Basic: right, wrong and none."""
    wanted = "Basic " + base64.b64encode(b"viewer:s3cretword").decode()

    def handle(request: Request) -> None:
        if request.headers.get("Authorization") == wanted:
            send_mjpeg(request)
        else:
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="camera"')
            request.end_headers()

    with http_server(handle) as url:
        assert read(url, policy=here(), sink=Collected(), credentials=Credentials("viewer", "s3cretword")) is None
        for credentials in (None, Credentials("viewer", "wrong")):
            failure = read(url, policy=here(), sink=Collected(), credentials=credentials)
            assert isinstance(failure, CameraFailed)
            assert failure.unauthorised


def test_hls_over_http(hls: Path) -> None:
    """The newest piece, at its own pace."""
    sink = Collected(wanted=20)

    def handle(request: Request) -> None:
        kind = "application/vnd.apple.mpegurl" if request.path.endswith("m3u8") else "video/mp2t"
        answer(request, (hls / request.path.strip("/")).read_bytes(), kind=kind)

    with http_server(handle) as url:
        read(f"{url}/live.m3u8", policy=here(), sink=sink)
    first = sink.numbers[0] or 0
    assert sink.numbers[:20] == list(range(first, first + 20))


def test_a_redirect_leads_nowhere_forbidden() -> None:
    """What a camera answers is checked as what was typed in, before anything is connected to."""
    reached: list[str] = []

    def forbidden(request: Request) -> None:
        reached.append(request.path)

    with http_server(forbidden) as inner:
        port = inner.rpartition(":")[2]

        def redirect(request: Request) -> None:
            request.send_response(302)
            request.send_header("Location", request.path.strip("/").replace("|", "/").replace("PORT", port))
            request.end_headers()

        with http_server(redirect) as url:
            for place in ("http:||[::1]:PORT|x", "http:||169.254.169.254|latest", "file:||etc|passwd", "ftp:||127.0.0.1|x"):
                failure = read(f"{url}/{place}", policy=here(), sink=Collected())
                assert failure is not None, place
            failure = read(f"{url}/http:||localhost:PORT|x", policy=here(), sink=Collected())
    assert failure is not None
    assert all(path == "/x" for path in reached)


@pytest.mark.parametrize("place", ["http://10.255.255.1/a.ts", "file:///etc/passwd", "/etc/passwd", "tcp://127.0.0.1:1/"])
def test_a_playlist_leads_nowhere_forbidden(place: str) -> None:
    """Each address in a playlist goes through the policy."""
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{place}\n#EXT-X-ENDLIST\n"
    sink = Collected()

    def handle(request: Request) -> None:
        answer(request, playlist.encode(), kind="application/vnd.apple.mpegurl")

    with http_server(handle) as url:
        failure = read(f"{url}/live.m3u8", policy=here(), sink=sink)
    assert failure is not None
    assert sink.frames == []
