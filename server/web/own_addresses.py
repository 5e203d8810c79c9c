"""Own addresses: those that the settings leave to be found, asked for once at the start."""

import ipaddress

import aiohttp
import msgspec

from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.transports.network_checks import ask_stun_server
from server.web.ecs_metadata import EcsEndpoints, read_task_metadata
from server.web.outgoing import create_client

AUTO = "auto"
TIMEOUT_S = 3.0
# A task that has just got its address may find the way out of its network a moment later.
ATTEMPTS = 3
# An address has at most 45 characters; a page that is longer is none.
_MAX_ANSWER_BYTES = 256


async def resolve_addresses(settings: Settings, *, ecs: EcsEndpoints) -> Settings:
    """The settings with addresses in place of `auto`; SettingsError says which could not be found, and why."""
    cluster, webrtc = settings.cluster, settings.webrtc
    if cluster.address == AUTO:
        address = (await _task_address(ecs)) if cluster.secret else ""
        cluster = msgspec.structs.replace(cluster, address=address)
    if webrtc.public_address == AUTO:
        webrtc = msgspec.structs.replace(webrtc, public_address=await find_public_address(webrtc.public_address_url))
    return msgspec.structs.replace(settings, cluster=cluster, webrtc=webrtc)


async def find_public_address(url: str, *, timeout_s: float = TIMEOUT_S, attempts: int = ATTEMPTS) -> str:
    """The address at which others on the Internet see us, as a STUN server or a page at `url` tells; SettingsError."""
    for attempt in range(1, attempts + 1):
        try:
            return await _ask(url, timeout_s=timeout_s)
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError) as exc:
            if attempt == attempts:
                reason = f"did not answer within {timeout_s:g} s" if isinstance(exc, TimeoutError) else f"failed: {exc}"
                text = f"webrtc.public_address is auto, but asking {url} {reason}"
                raise SettingsError(f"{text}; set webrtc.public_address or webrtc.public_address_url") from exc
    raise AssertionError("the last attempt returns or raises")


async def _task_address(ecs: EcsEndpoints) -> str:
    try:
        address = (await read_task_metadata(ecs)).private_address
    except SettingsError as exc:
        raise SettingsError(f"cluster.address is auto, but {exc}") from exc
    if not address:
        raise SettingsError("cluster.address is auto, but ECS tells no private address: use the network mode awsvpc")
    return address


async def _ask(url: str, *, timeout_s: float) -> str:
    """An address; ValueError for an answer that is none, and what sockets and aiohttp raise."""
    if url.startswith("stun:"):
        return str(ipaddress.ip_address(await ask_stun_server(url, timeout_s=timeout_s)))
    if not url.startswith(("https://", "http://")):
        raise SettingsError(f"webrtc.public_address_url: {url!r} is neither a stun: nor a https:// address")
    async with create_client(read_timeout_s=timeout_s, total_timeout_s=timeout_s) as http, http.get(url) as answer:
        answer.raise_for_status()
        text = await answer.content.read(_MAX_ANSWER_BYTES)
    return str(ipaddress.ip_address(text.decode("ascii", "replace").strip()))
