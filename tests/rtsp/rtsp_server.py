"""A real RTSP server: plays a file over and over, in real time, to each client. For the system's Python, which has GStreamer.

    rtsp_server.py PORT FILE [--codec h264|h265|mjpeg] [--user NAME --password PASSWORD [--digest]]

Prints "ready" once it listens; runs until it is killed.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - the versions come first

# The file repeats, its times go on; identity holds each picture back until it is due, as a camera does.
PAYLOADERS = {
    "h264": "h264parse config-interval=-1 ! video/x-h264,alignment=au ! identity sync=true ! rtph264pay name=pay0 pt=96",
    "h265": "h265parse config-interval=-1 ! video/x-h265,alignment=au ! identity sync=true ! rtph265pay name=pay0 pt=96",
    "mjpeg": "jpegparse ! identity sync=true ! rtpjpegpay name=pay0 pt=26",
}


def main() -> None:
    """Serves /live until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file")
    parser.add_argument("--codec", default="h264", choices=sorted(PAYLOADERS))
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(f'( filesrc location="{options.file}" ! matroskademux ! {PAYLOADERS[options.codec]} )')
    factory.set_shared(False)
    if options.user:
        protect(server, factory, options)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"port {options.port} is taken")
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    GLib.MainLoop().run()


def protect(server: "GstRtspServer.RTSPServer", factory: "GstRtspServer.RTSPMediaFactory", options: argparse.Namespace) -> None:
    """Lets in who knows the password alone."""
    auth = GstRtspServer.RTSPAuth.new()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if options.digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    server.set_auth(auth)


main()
