"""Cameras over HTTP: opened in Python, so that the policy holds for redirects and for what a playlist names, too.

FFmpeg would resolve names again and follow whatever it is told. Here each connection
resolves, checks and connects in one place.
"""

import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from server.domain.camera import Credentials
from server.domain.errors import AddressRefused, CameraFailed
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import HTTP, CameraAddress

_AGENT = "Sightline"


class HttpBody(io.RawIOBase):
    """What an address answers, as FFmpeg reads it: `read` returns what is there, and waits only while nothing is."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; empty at the end. Raises OSError, TimeoutError above the read time-out."""
        return self._response.read1(size)

    def close(self) -> None:
        """Ends the connection."""
        self._response.close()
        super().close()

    @property
    def content_type(self) -> str:
        """What it says that it is."""
        return self._response.headers.get_content_type()


class HttpOpener:
    """Opens addresses over HTTP for one camera; on its own thread, as all of it blocks.

    `credentials` are sent to the host of the camera alone. Connecting takes at most `connect_timeout_s`, and each read
    `read_timeout_s`.
    """

    def __init__(
        self,
        address: CameraAddress,
        *,
        policy: AddressPolicy,
        credentials: Credentials | None,
        connect_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._policy = policy
        self._connect_timeout_s = connect_timeout_s
        self._opener = urllib.request.OpenerDirector()  # not build_opener: that would open file:// and ftp:// too
        connect = _Connect(policy, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
        for handler in (
            _PlainHandler(connect),
            _TlsHandler(connect),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPRedirectHandler(),
            _ErrorProcessor(),
            *_authentication(address, credentials),
        ):
            self._opener.add_handler(handler)

    def open(self, url: str) -> HttpBody:
        """Opens one; raises AddressRefused, CameraFailed, OSError."""
        parts = urlsplit(url)
        if parts.scheme.lower() not in HTTP or not parts.hostname:
            raise AddressRefused(f"what the camera names begins with {parts.scheme}:, which is not http:// or https://")
        request = urllib.request.Request(url, headers={"User-Agent": _AGENT})  # noqa: S310 - the scheme was looked at
        try:
            response = self._opener.open(request, timeout=self._connect_timeout_s)
        except urllib.error.HTTPError as exc:
            exc.close()
            raise _refusal(exc.code) from None  # its text holds the address
        except urllib.error.URLError as exc:
            reason = exc.reason
            raise (reason if isinstance(reason, Exception) else OSError(str(reason))) from None
        if response is None:  # nobody here opens what a redirect leads to
            raise AddressRefused("the camera leads on to something that is not http:// or https://")
        return HttpBody(response)


class _Connect:
    """Makes the connections: to an address that the policy has allowed, and to no other."""

    def __init__(self, policy: AddressPolicy, *, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._policy = policy
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s

    def __call__(self, scheme: str, host: str, port: int) -> socket.socket:
        self._policy.check_scheme(scheme)
        ip = self._policy.resolve(host, port)
        connected = socket.create_connection((ip, port), timeout=self._connect_timeout_s)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(self._read_timeout_s)
        return connected


class _ErrorProcessor(urllib.request.HTTPErrorProcessor):
    """Ends the connection of each answer that is not what was wanted: the library leaves it open where it asks again."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        """Looks at the status."""
        if not 200 <= response.status < 300:
            response.close()
        return super().http_response(request, response)

    https_response = http_response


class _PlainConnection(http.client.HTTPConnection):
    connect_to: _Connect

    def connect(self) -> None:
        """Connects where the policy allows it."""
        self.sock = self.connect_to("http", self.host, self.port)


class _TlsConnection(http.client.HTTPSConnection):
    connect_to: _Connect
    tls: ssl.SSLContext

    def connect(self) -> None:
        """Connects where the policy allows it."""
        plain = self.connect_to("https", self.host, self.port)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, connect: _Connect) -> None:
        super().__init__()
        self._kind: Any = type("_Plain", (_PlainConnection,), {"connect_to": staticmethod(connect)})

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Opens http:// addresses."""
        return self.do_open(self._kind, req)


class _TlsHandler(urllib.request.HTTPSHandler):
    def __init__(self, connect: _Connect) -> None:
        super().__init__()
        # Cameras sign their certificates themselves; FFmpeg does not verify those of rtsps:// either.
        tls = ssl._create_unverified_context()  # noqa: S323, SLF001
        self._kind: Any = type("_Tls", (_TlsConnection,), {"connect_to": staticmethod(connect), "tls": tls})

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Opens https:// addresses."""
        return self.do_open(self._kind, req)


def _authentication(address: CameraAddress, credentials: Credentials | None) -> tuple[Any, ...]:
    """Digest before Basic, as the password itself then stays here."""
    if credentials is None:
        return ()
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    place = f"{address.scheme}://{address.host}:{address.port}/" if ":" not in address.host else address.url
    passwords.add_password(None, place, credentials.username, credentials.password)
    return urllib.request.HTTPDigestAuthHandler(passwords), urllib.request.HTTPBasicAuthHandler(passwords)


def _refusal(status: int) -> CameraFailed:
    if status in (401, 403):
        return CameraFailed("The camera does not accept this user name and password.", unauthorised=True)
    if status == 404:
        return CameraFailed("The camera answers, but knows nothing under this path.")
    return CameraFailed(f"The camera answers with an error (status {status}).")
