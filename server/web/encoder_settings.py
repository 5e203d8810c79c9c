"""Bitrates of the annotated video as the settings have them."""

from server.config.settings import Webrtc
from server.transports.encoders import Bitrates


def encoder_bitrates(settings: Webrtc) -> Bitrates:
    """At first, at least and at most; raises SettingsError for limits that leave nothing between them."""
    return Bitrates(settings.start_bitrate_bps, min_bps=settings.min_bitrate_bps, max_bps=settings.max_bitrate_bps)
