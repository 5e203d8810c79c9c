"""Clients: who asks, as far as limits tell one from another."""

import ipaddress

from aiohttp import web

# What a household or a machine has of IPv6 addresses: each of them for itself would be a client with a limit of its own.
_IPV6_PREFIX = 64


def client_of(request: web.BaseRequest) -> str:
    """The client of a request: its address, as a trusted proxy tells it; of IPv6 the network."""
    return client_at(request.remote)


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
