"""The ICE servers of the settings, as the media path takes them and as clients are told."""

import time
from collections.abc import Callable

from server.config.settings import Webrtc
from server.transports.ice import IceServer
from server.transports.ice_servers import IceServers, TurnAccess


def ice_servers(webrtc: Webrtc, *, clock: Callable[[], float] = time.time) -> IceServers:
    """The servers that both sides use; SettingsError for what is none."""
    fixed = tuple(
        IceServer(tuple(server.urls), username=server.username, credential=server.credential) for server in webrtc.ice_servers
    )
    turn = TurnAccess(tuple(webrtc.turn_urls), webrtc.turn_secret, webrtc.turn_ttl_s)
    return IceServers(fixed, turn=turn, clock=clock)
