"""Networks in the settings: lists of CIDR blocks, and whether an address lies in one of them."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from server.domain.errors import SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of networks; empty holds no address."""

    blocks: tuple[Network, ...] = ()

    def __contains__(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:  # such as the path of a Unix socket
            return False
        # A socket that listens on both families calls an IPv4 client ::ffff:10.0.0.1.
        plain = getattr(ip, "ipv4_mapped", None) or ip
        return any(plain in block for block in self.blocks)

    def __or__(self, other: "Networks") -> "Networks":
        return Networks(self.blocks + other.blocks)


def parse_networks(texts: Iterable[str], *, setting: str) -> Networks:
    """The networks of a setting; an address stands for itself. SettingsError names the setting."""
    try:
        return Networks(tuple(ipaddress.ip_network(text) for text in texts))
    except ValueError as exc:
        raise SettingsError(f"{setting}: {exc}") from exc
