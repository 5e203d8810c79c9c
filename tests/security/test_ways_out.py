"""Every place that connects to somewhere is known, and stands in docs/security.md with what holds it."""

import ast
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from server.domain.errors import AddressRefused, CameraFailed
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import parse_address
from server.transports.camera_input import CameraLimits, open_camera
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "security.md"
# Calls that open connections: names of methods, and of functions whose own name says too little.
METHODS = {
    "create_connection", "create_datagram_endpoint", "open_connection", "urlopen", "OpenerDirector", "HTTPConnection",
    "ClientSession", "RTCPeerConnection", "create_engine",
}  # fmt: skip
FUNCTIONS = {"requests.get", "requests.post", "aiomqtt.Client", "aiosmtplib.send", "smtplib.SMTP"}
WORDS = METHODS | {name.partition(".")[0] for name in FUNCTIONS} | {"av.open"}
# PyAV in these opens files alone.
OPENS_FILES = ("server/media/", "server/commands/")


def name_of(node: ast.expr) -> str:
    """The last two parts of what is called."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value).rpartition('.')[2]}.{node.attr}"
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return f".{node.id}" if isinstance(node, ast.Name) else ""


def connects(name: str) -> bool:
    """Whether such a call opens a connection; what stands in for a method of its parent is named where it is called."""
    return name in FUNCTIONS or (name.rpartition(".")[2] in METHODS and not name.startswith("super."))


def places_that_connect() -> set[str]:
    """Files of the server that open connections."""
    found = set()
    for file in (REPOSITORY / "server").rglob("*.py"):
        name = file.relative_to(REPOSITORY).as_posix()
        text = file.read_text("utf-8")
        if not any(word in text for word in WORDS):  # to parse all takes a second
            continue
        called = {name_of(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
        if any(map(connects, called)) or ("av.open" in called and not name.startswith(OPENS_FILES)):
            found.add(name)
    return found


def test_every_way_out_is_in_the_page() -> None:
    """A new one is written down with who names the address and what holds it; one that is gone is taken out."""
    section = PAGE.read_text("utf-8").partition("## Where the server connects to")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(server/[^`]+)`", section, re.MULTILINE)) == places_that_connect()


@contextmanager
def redirecting_camera(to: str) -> Iterator[int]:
    """The port of an RTSP camera that sends everybody on."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # closed at the end
                while True:
                    connection, _ = server.accept()
                    with connection:
                        number = re.findall(rb"CSeq: (\d+)", connection.recv(4096))[0].decode()
                        connection.sendall(f"RTSP/1.0 302 Moved\r\nCSeq: {number}\r\nLocation: {to}\r\n\r\n".encode())

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


def was_called(server: socket.socket) -> bool:
    """Whether somebody has connected."""
    server.settimeout(0.1)
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.mark.xfail(
    raises=AssertionError, strict=True, reason="FFmpeg follows RTSP redirects and has no option against it: docs/security.md"
)
def test_a_redirect_of_rtsp_is_held_to_the_policy() -> None:
    """A camera that is allowed leads the server to no address that is not."""
    policy = AddressPolicy.of(schemes=["rtsp"], networks=["127.0.0.1/32"], files=[])
    limits = CameraLimits(connect_timeout_s=0.3, read_timeout_s=0.3)
    with socket.create_server(("127.0.0.2", 0)) as elsewhere:
        with (
            redirecting_camera(f"rtsp://127.0.0.2:{elsewhere.getsockname()[1]}/live") as port,
            pytest.raises((AddressRefused, CameraFailed)),
        ):
            open_camera(parse_address(f"rtsp://127.0.0.1:{port}/live"), credentials=None, policy=policy, limits=limits)
        assert not was_called(elsewhere)
