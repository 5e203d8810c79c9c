"""Signed ids: the id of a session says which server of a cluster has it, and nobody but the cluster can make one."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass

from server.domain.errors import SettingsError

_RANDOM_BYTES = 16  # as many as the ids of a single server have
_PORT_BYTES = 2
_TAG_BYTES = 16
_ADDRESS_BYTES = (4, 16)


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a server of the cluster is reached by the others."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}" if self.ip.version == 4 else f"[{self.ip}]:{self.port}"


def parse_node_address(text: str, *, port: int) -> NodeAddress:
    """Reads `10.0.0.5`, `10.0.0.5:5000`, `fd00::5` or `[fd00::5]:5000`; `port` holds where there is none; SettingsError."""
    host, separator, given = text.rpartition(":")
    if not separator or given.endswith("]") or (":" in host and not host.startswith("[")):
        host, given = text, str(port)
    try:
        address = NodeAddress(ipaddress.ip_address(host.strip("[]")), int(given))
    except ValueError as exc:
        raise SettingsError(f"cluster.address: {text!r} is no address of this server: {exc}") from exc
    if not 0 < address.port <= 65535:
        raise SettingsError(f"cluster.address: {text!r} needs a port, as server.port is {port}")
    return address


class SignedIds:
    """Makes ids that name `owner`, and reads those of all servers with the same secret.

    An id is 16 random bytes, the owner's address and port, and 16 bytes of HMAC-SHA256 over both, in base64url: a client can
    neither guess the id of another nor make one that has us send its request somewhere.
    """

    def __init__(self, *, secret: str, owner: NodeAddress) -> None:
        # A key of its own, so that nothing signed for another purpose with the same secret passes for an id.
        self._key = hashlib.sha256(b"sightline session id\0" + secret.encode()).digest()
        self._owner = owner.ip.packed + owner.port.to_bytes(_PORT_BYTES)

    def new(self) -> str:
        """An id of this server's."""
        body = secrets.token_bytes(_RANDOM_BYTES) + self._owner
        return base64.urlsafe_b64encode(body + self._tag(body)).rstrip(b"=").decode()

    def owner_of(self, session_id: str) -> NodeAddress | None:
        """The server that made the id; None for one that was not made with our secret."""
        try:
            raw = base64.b64decode(session_id + "=" * (-len(session_id) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        address, port = body[_RANDOM_BYTES:-_PORT_BYTES], body[-_PORT_BYTES:]
        if len(address) not in _ADDRESS_BYTES or not hmac.compare_digest(self._tag(body), tag):
            return None
        return NodeAddress(ipaddress.ip_address(address), int.from_bytes(port))

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_TAG_BYTES]
