"""The encodings of all streams that somebody watches: one for each stream and codec, while it has viewers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from aiortc.mediastreams import MediaStreamError

from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stream import Stream
from server.transports.encoders import Bitrates, create_encoder
from server.transports.encoding_turns import EncodingTurns
from server.transports.shared_encoding import SharedEncoding
from server.transports.shared_track import SharedVideoTrack
from server.transports.viewer_group import ViewerGroup


class SharedEncodings:
    """Makes the tracks of viewers, and the groups in which these share encoders; encoders take `turns`."""

    def __init__(self, *, bitrates: Bitrates, turns: EncodingTurns, clock: Callable[[], float] = time.monotonic) -> None:
        self._bitrates = bitrates
        self._turns = turns
        self._clock = clock
        self._groups: dict[tuple[Stream, str], ViewerGroup] = {}
        self._running: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Encoders at work, those included that are finishing their last picture."""
        return len(self._running)

    def create_track(self, stream: Stream, *, meter: FreshnessMeter, on_failed: Callable[[], None]) -> SharedVideoTrack:
        """The video of another viewer of a stream."""
        return SharedVideoTrack(stream, group_of=self._group_of, meter=meter, on_failed=on_failed, clock=self._clock)

    async def aclose(self) -> None:
        """Returns when nothing is being encoded any more; all tracks must have been stopped."""
        if self._running:
            await asyncio.wait(tuple(self._running))

    def _group_of(self, stream: Stream, mime_type: str) -> ViewerGroup:
        key = stream, mime_type  # not its id, which the next stream of a camera has too
        if key not in self._groups:
            self._groups[key] = ViewerGroup(
                partial(self._open_encoding, stream, mime_type),
                clamp=self._bitrates.clamp,
                on_empty=lambda: self._groups.pop(key),
                clock=self._clock,
            )
        return self._groups[key]

    def _open_encoding(
        self, stream: Stream, mime_type: str, *, start_bps: int | None, on_failed: Callable[[], None]
    ) -> SharedEncoding:
        bitrates = self._bitrates if start_bps is None else replace(self._bitrates, start_bps=start_bps)
        encoder = create_encoder(mime_type, bitrates=bitrates)
        if encoder is None:  # aiortc negotiates no other video codec
            raise MediaStreamError(f"there is no encoder for {mime_type}")
        encoding = SharedEncoding(stream, encoder=encoder, turns=self._turns, on_failed=on_failed, clock=self._clock)
        task = encoding.start()
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return encoding
