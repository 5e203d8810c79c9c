"""Deinterlacing: one progressive frame for each interlaced one."""

import av
from av.filter import Graph


class Deinterlacer:
    """Passes progressive video on as it is, and makes progressive what comes interlaced, from the first such frame on.

    FFmpeg's bwdif, one frame for each frame: a detector would see combs for edges. One thread.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._format: tuple[int, int, str] | None = None

    def put(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Takes one frame and returns those that are ready."""
        ready: list[av.VideoFrame] = []
        form = (frame.width, frame.height, frame.format.name)
        if self._graph is not None and form != self._format:
            ready = self.finish()
        if self._graph is None:
            if not frame.interlaced_frame:
                return [*ready, frame]
            self._graph, self._format = _bwdif(frame), form
        self._graph.vpush(frame)
        return [*ready, *_pull(self._graph)]

    def finish(self) -> list[av.VideoFrame]:
        """Returns the frames that still waited."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        last = _pull(self._graph)
        self._graph = None
        return last


def _bwdif(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph


def _pull(graph: Graph) -> list[av.VideoFrame]:
    """The frames that are ready."""
    ready: list[av.VideoFrame] = []
    while True:
        try:
            ready.append(graph.vpull())
        except (av.BlockingIOError, av.EOFError):
            return ready
