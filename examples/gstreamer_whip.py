#!/usr/bin/env python3
"""Publishes with GStreamer's webrtcbin, for distributions that do not have `whipclientsink` yet.

    python3 examples/gstreamer_whip.py http://127.0.0.1:5000/whip --key KEY
    python3 examples/gstreamer_whip.py URL --video "v4l2src ! videoconvert ! x264enc tune=zerolatency bframes=0 ! h264parse"

Debian: apt-get install python3-gi gir1.2-gst-plugins-{base,bad}-1.0 gstreamer1.0-plugins-{base,good,bad,ugly} gstreamer1.0-nice
"""

import argparse
import signal
import sys
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402 - the versions have to be named first

TEST_PICTURE = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=480,framerate=30/1 ! videoconvert"
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=superfast bframes=0 key-int-max=60 bitrate=1500 ! h264parse",
    "vp8": "vp8enc deadline=1 target-bitrate=1500000 keyframe-max-dist=60",
}
PAYLOADERS = {"h264": "rtph264pay config-interval=-1 aggregate-mode=zero-latency", "vp8": "rtpvp8pay"}
SOUND = "audiotestsrc is-live=true wave=silence ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=111 ! publisher."


class Publisher:
    """One WHIP session; `run()` returns when it ends."""

    def __init__(self, url: str, *, key: str, pipeline: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session = ""
        self._exit_code = 0
        self._loop = GLib.MainLoop()
        self._pipeline = Gst.parse_launch(pipeline)
        self._webrtc = self._pipeline.get_by_name("publisher")
        self._webrtc.connect("on-negotiation-needed", self._create_offer)
        self._webrtc.connect("notify::ice-gathering-state", self._send_when_gathered)
        bus = self._pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _bus, message: self._fail(message.parse_error()[0].message))

    def run(self) -> int:
        """Publishes until stopped; returns the exit code."""
        self._pipeline.set_state(Gst.State.PLAYING)
        self._loop.run()
        self._pipeline.set_state(Gst.State.NULL)
        if self._session:
            self._request("DELETE", self._session)
        return self._exit_code

    def stop(self) -> bool:
        """Ends the session."""
        self._loop.quit()
        return False

    def _create_offer(self, webrtc: Gst.Element) -> None:
        # What comes in is not wanted: every section only sends.
        for index in range(len(webrtc.sinkpads)):
            transceiver = webrtc.emit("get-transceiver", index)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self._set_offer))

    def _set_offer(self, promise: Gst.Promise) -> None:
        # The reply owns the offer, and only what is read of it here is Python's.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        description = GstWebRTC.WebRTCSessionDescription.new(offer.type, offer.sdp.copy()[1])
        self._webrtc.emit("set-local-description", description, Gst.Promise.new())

    def _send_when_gathered(self, webrtc: Gst.Element, _property: object) -> None:
        if webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._publish)

    def _publish(self) -> bool:
        offer = self._webrtc.get_property("local-description").sdp.as_text()
        try:
            answer, location = self._request("POST", self._url, body=offer)
        except OSError as error:
            self._fail(f"{self._url}: {error}")
            return False
        self._session = urllib.parse.urljoin(self._url, location)
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self._webrtc.emit("set-remote-description", description, Gst.Promise.new())
        print(f"publishing, session {self._session}", flush=True)
        return False

    def _request(self, method: str, url: str, *, body: str = "") -> tuple[str, str]:
        headers = {**self._headers, "Content-Type": "application/sdp"} if body else self._headers
        request = urllib.request.Request(url, method=method, data=body.encode() or None, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read().decode(), response.headers.get("Location", "")

    def _fail(self, reason: str) -> None:
        print(f"failed: {reason}", file=sys.stderr)
        self._exit_code = 1
        self._loop.quit()


def main() -> int:
    """Reads the command line and publishes."""
    parser = argparse.ArgumentParser(description="Publish video with GStreamer over WHIP.")
    parser.add_argument("url", help="for example http://127.0.0.1:5000/whip?name=gate")
    parser.add_argument("--key", default="", help="API key")
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="h264")
    parser.add_argument("--video", default="", help="pipeline up to the encoded video; a test picture by default")
    parser.add_argument("--sound", action="store_true", help="send sound, too (the server throws it away)")
    parser.add_argument("--seconds", type=int, default=0, help="stop after so many; 0 goes on until Ctrl+C")
    options = parser.parse_args()
    Gst.init(None)
    video = options.video or f"{TEST_PICTURE} ! {ENCODERS[options.codec]}"
    caps = f"application/x-rtp,media=video,encoding-name={options.codec.upper()},payload=96"
    pipeline = (
        f"webrtcbin name=publisher bundle-policy=max-bundle {video} ! {PAYLOADERS[options.codec]} pt=96 ! {caps} ! publisher."
    )
    publisher = Publisher(options.url, key=options.key, pipeline=f"{pipeline} {SOUND if options.sound else ''}")
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, publisher.stop)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, publisher.stop)
    if options.seconds:
        GLib.timeout_add_seconds(options.seconds, publisher.stop)
    return publisher.run()


if __name__ == "__main__":
    sys.exit(main())
