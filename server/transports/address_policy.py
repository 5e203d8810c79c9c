"""Address policy: where cameras may be, so that naming one is no way into other services.

What is checked is what is connected to: a name is resolved here, each of its addresses is looked at, and the connection goes to
one that was allowed.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.domain.errors import AddressRefused, CameraFailed, SettingsError
from server.transports.camera_address import CameraAddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be opened as a camera; `of` reads it from texts."""

    schemes: frozenset[str]
    networks: tuple[Network, ...]
    files: tuple[Path, ...]

    @classmethod
    def of(cls, *, schemes: Iterable[str], networks: Iterable[str], files: Iterable[str]) -> "AddressPolicy":
        """The policy of these settings; raises SettingsError for a network that is none."""
        try:
            known = tuple(ipaddress.ip_network(one, strict=False) for one in networks)
        except ValueError as exc:
            raise SettingsError(f"cameras.allowed_networks: {exc}") from exc
        return cls(frozenset(one.lower() for one in schemes), known, tuple(Path(one).resolve() for one in files))

    def check(self, address: CameraAddress) -> None:
        """Raises AddressRefused for what cannot be allowed whatever its name stands for; opens nothing, resolves no name.

        Files are looked at, which may block.
        """
        if address.path is not None:
            self.check_file(address.path)
            return
        self.check_scheme(address.scheme)
        try:
            literal = ipaddress.ip_address(address.host)
        except ValueError:
            return
        self._check_ip(literal, host=address.host)

    def check_scheme(self, scheme: str) -> None:
        """Raises AddressRefused for a kind of address that is not allowed."""
        if scheme not in self.schemes:
            allowed = ", ".join(f"{one}://" for one in sorted(self.schemes)) or "nothing"
            raise AddressRefused(f"{scheme}:// is not allowed here; allowed are {allowed} (cameras.allowed_schemes)")

    def check_file(self, path: Path) -> Path:
        """The real path of an allowed file or device; raises AddressRefused. Blocks."""
        real = path.resolve()
        if not any(real == allowed or allowed in real.parents for allowed in self.files):
            raise AddressRefused("files and devices are allowed only where cameras.allowed_files names them or their folder")
        return real

    def resolve(self, host: str, port: int) -> str:
        """An allowed IP address of a host. Blocks: never on the event loop.

        Raises AddressRefused where one of its addresses is not allowed, CameraFailed for a name that nobody knows.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise CameraFailed(f"The name {host} is not known in this network.") from None
        addresses = _addresses(found)
        for one in addresses:
            self._check_ip(one, host=host)
        return str(addresses[0])

    def _check_ip(self, ip: IpAddress, *, host: str) -> None:
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        plain: IpAddress = mapped or ip
        if not any(plain in network for network in self.networks):
            allowed = ", ".join(str(network) for network in self.networks) or "none"
            named = host if host == str(plain) else f"{host} is {plain}, which"
            raise AddressRefused(f"{named} is in no network that cameras may be in: {allowed} (cameras.allowed_networks)")


def _addresses(found: Sequence[tuple[object, ...]]) -> list[IpAddress]:
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]  # type: ignore[index] # a socket address
