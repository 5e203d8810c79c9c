"""Clients: who asks, as far as limits tell one from another."""

import ipaddress

from aiohttp import web

from server.web.access import HOLDER
from server.web.api_key import ApiKey

# What a household or a machine has of IPv6 addresses: each of them for itself would be a client with a limit of its own.
_IPV6_PREFIX = 64


def client_of(request: web.Request) -> str:
    """The client of a request: the key that it carries, else its address as a trusted proxy tells it, of IPv6 the network."""
    holder: ApiKey | None = request.get(HOLDER)
    return client_at(request.remote) if holder is None else f"key {holder.name!r}"


def client_at(address: str | None) -> str:
    """The client at an address; what is no IP address, such as a socket file, stands for itself."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if ip.version == 6:
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))
    return str(ip)
