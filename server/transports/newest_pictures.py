"""The newest annotated pictures of a stream, for something that takes one at a time."""

from server.domain.live import AnnotatedFrame
from server.pipeline.slot import LatestSlot
from server.pipeline.stream import Stream


class NewestPictures:
    """Gives each time the newest picture that is newer than the last one; those that came in between are dropped.

    From its making until `close()` the stream draws for it.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._slot: LatestSlot[AnnotatedFrame] = LatestSlot()
        self._last_index = -1
        stream.pictures.subscribe(self._slot)

    async def next(self) -> AnnotatedFrame:
        """The newest picture as soon as there is one; raises SlotClosed after `close()`.

        When a stream begins to follow its detector, the first frame with its own boxes is older than those shown before.
        """
        while True:
            picture = self._newer(await self._slot.get())
            if picture is not None:
                return picture

    def poll(self) -> AnnotatedFrame | None:
        """A picture that has come since the last one, None where none has."""
        return self._newer(self._slot.poll())

    def close(self) -> None:
        """Takes itself off the stream and ends whoever waits; may be called again."""
        self._stream.pictures.unsubscribe(self._slot)
        self._slot.close()

    def _newer(self, picture: AnnotatedFrame | None) -> AnnotatedFrame | None:
        if picture is None or picture.frame.index <= self._last_index:
            return None
        self._last_index = picture.frame.index
        return picture
