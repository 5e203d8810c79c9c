"""A WHEP viewer in the same process: takes video, sends none."""

from tests.transports.rig import ReadingPeer


class Viewer(ReadingPeer):
    """A peer that watches."""

    def __init__(self, *, codec: str = "h264", direction: str = "recvonly", audio: bool = False) -> None:
        super().__init__()
        self.add_video("video", direction=direction, codec=codec)
        if audio:
            self.pc.addTransceiver("audio", direction="recvonly")
