"""Addresses of cameras: taken apart, so that credentials and options never travel on by accident."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from server.domain.camera import Credentials
from server.domain.errors import InvalidRequest

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
RTSP = frozenset({"rtsp", "rtsps"})
HTTP = frozenset({"http", "https"})
MOST_LETTERS = 2000

Transport = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """One address. `url` has neither credentials nor the options behind `#`; `path` is set for files and devices alone.

    `transport` None tries TCP first and UDP then (RTSP alone).
    """

    scheme: str
    host: str
    port: int
    url: str
    path: Path | None = None
    transport: Transport | None = None

    @property
    def place(self) -> str:
        """Where it is, for a sentence."""
        return str(self.path) if self.path is not None else f"{self.host}, port {self.port}"

    def at(self, ip: str, *, credentials: Credentials | None) -> str:
        """The URL with an IP address in place of the name, for FFmpeg: it may hold a password, and goes nowhere else."""
        parts = urlsplit(self.url)
        place = f"[{ip}]:{self.port}" if ":" in ip else f"{ip}:{self.port}"
        if credentials is not None:
            place = f"{quote(credentials.username, safe='')}:{quote(credentials.password, safe='')}@{place}"
        return urlunsplit(parts._replace(netloc=place))


def split_credentials(text: str) -> tuple[str, Credentials | None]:
    """The address without its user information, and that; raises InvalidRequest for what is no address."""
    if text.startswith(("/", "file:")):
        return text, None
    try:
        parts = urlsplit(text)
        found = (parts.username, parts.password)
    except ValueError as exc:
        raise InvalidRequest("the address cannot be read") from exc
    if "@" not in parts.netloc:
        return text, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    credentials = Credentials(unquote(found[0] or ""), unquote(found[1] or ""))
    return bare, credentials if credentials.username or credentials.password else None


def parse_address(text: str) -> CameraAddress:
    """Takes an address without credentials apart; raises InvalidRequest for what is none."""
    if len(text) > MOST_LETTERS or not text.isprintable() or not text.strip():
        raise InvalidRequest(f"the address is empty, has unprintable letters, or more than {MOST_LETTERS}")
    if text.startswith(("/", "file:")):
        return _file(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        raise InvalidRequest(f"the address cannot be read: {exc}") from exc
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        known = ", ".join(f"{one}://" for one in PORTS)
        raise InvalidRequest(f"the address begins with none of {known}, and is no path")
    if not parts.hostname or port == 0:
        raise InvalidRequest("the address names no host")
    address = CameraAddress(scheme, parts.hostname, port or PORTS[scheme], urlunsplit(parts._replace(fragment="")))
    return _with_options(address, parts.fragment)


def _file(text: str) -> CameraAddress:
    path = Path(unquote(urlsplit(text).path)) if text.startswith("file:") else Path(text)
    if not path.is_absolute():
        raise InvalidRequest("the path of a file begins with /")
    return CameraAddress("file", "", 0, text, path=path)


def _with_options(address: CameraAddress, fragment: str) -> CameraAddress:
    """What stands behind `#` is for us and is never sent: `transport=tcp` or `transport=udp`."""
    for name, value in parse_qsl(fragment, keep_blank_values=True):
        if name != "transport" or value not in ("tcp", "udp") or address.scheme not in RTSP:
            raise InvalidRequest("behind # stands only transport=tcp or transport=udp, and only for rtsp://")
        address = replace(address, transport="tcp" if value == "tcp" else "udp")
    return address
