"""Tests of where cameras may be."""

from pathlib import Path

import pytest

from server.domain.errors import AddressRefused, CameraFailed, InvalidRequest, SettingsError
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import parse_address, split_credentials

POLICY = AddressPolicy.of(schemes=["rtsp", "http"], networks=["10.0.0.0/8", "192.168.0.0/16", "fc00::/7"], files=["/srv/films"])


@pytest.mark.parametrize("url", ["rtsp://10.1.2.3/live", "http://192.168.4.4:8080/video", "rtsp://[fd00::1]/live"])
def test_allows_cameras_of_the_own_network(url: str) -> None:
    """Private addresses are where cameras are."""
    POLICY.check(parse_address(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://8.8.8.8/",
        "http://0.0.0.0/",
        "https://10.1.2.3/",
        "rtmp://10.1.2.3/live",
        "/etc/passwd",
        "file:///etc/passwd",
        "/srv/films/../secret",
        "/dev/video0",
    ],
)
def test_refuses_all_else(url: str) -> None:
    """Loopback, link-local, the internet, other schemes, other files; the message says what is allowed."""
    with pytest.raises(AddressRefused, match=r"cameras\.allowed_"):
        POLICY.check(parse_address(url))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0"])
def test_looks_at_what_a_name_stands_for(host: str) -> None:
    """Whatever the resolver takes for this machine is this machine."""
    with pytest.raises((AddressRefused, CameraFailed)):
        POLICY.resolve(host, 80)


def test_gives_the_address_that_it_has_checked() -> None:
    """That is what is connected to, and not the name again."""
    policy = AddressPolicy.of(schemes=["rtsp"], networks=["127.0.0.0/8", "::1/128"], files=[])
    assert policy.resolve("localhost", 554) in ("127.0.0.1", "::1")


def test_a_name_that_nobody_knows() -> None:
    """That is the camera's trouble, not a refusal."""
    with pytest.raises(CameraFailed, match="not known"):
        POLICY.resolve("camera.invalid", 554)


def test_a_network_that_is_none() -> None:
    """The setting is named."""
    with pytest.raises(SettingsError, match="allowed_networks"):
        AddressPolicy.of(schemes=[], networks=["10.0.0.0/99"], files=[])


def test_allows_what_lies_in_a_folder(tmp_path: Path) -> None:
    """Real paths count."""
    film = tmp_path / "films" / "one.mp4"
    policy = AddressPolicy.of(schemes=[], networks=[], files=[str(tmp_path / "films")])
    assert policy.check_file(film) == film
    (tmp_path / "films").mkdir()
    link = tmp_path / "films" / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AddressRefused):
        policy.check_file(link)


@pytest.mark.parametrize(
    "text", ["", " ", "camera", "gopher://x/", "rtsp:///live", "rtsp://h:0/", "rtsp://h:99999/", "rtsp://h/\n", "file:films"]
)
def test_what_is_no_address(text: str) -> None:
    """It is refused before anything is looked up."""
    with pytest.raises(InvalidRequest):
        parse_address(text)


def test_takes_options_off() -> None:
    """What stands behind # is never sent."""
    address = parse_address("rtsp://10.0.0.1/live#transport=udp")
    assert (address.url, address.transport, address.port) == ("rtsp://10.0.0.1/live", "udp", 554)
    for wrong in ("rtsp://h/#transport=sctp", "http://h/#transport=udp", "rtsp://h/#speed=1"):
        with pytest.raises(InvalidRequest):
            parse_address(wrong)


def test_takes_credentials_off_and_keeps_them_out_of_texts() -> None:
    """They come back only in the address for FFmpeg, escaped."""
    bare, credentials = split_credentials("rtsp://us%40er:p%2Fw:x@10.0.0.1:8554/live?a=1")
    assert bare == "rtsp://10.0.0.1:8554/live?a=1"
    assert credentials is not None
    assert (credentials.username, credentials.password) == ("us@er", "p/w:x")
    assert "p/w:x" not in repr(credentials)
    opened = parse_address(bare).at("10.0.0.1", credentials=credentials)
    assert opened == "rtsp://us%40er:p%2Fw%3Ax@10.0.0.1:8554/live?a=1"
    assert split_credentials("/srv/films/a@b.mp4") == ("/srv/films/a@b.mp4", None)
