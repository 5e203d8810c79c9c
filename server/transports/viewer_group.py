"""The viewers of one stream in one codec: one encoding for all, and a second one for those who cannot take it.

The bitrate is the lowest that a viewer's receiver estimates, but never less than half of the highest. Whoever is below that for
two seconds, or asks for key frames all the time, gets the second encoding, whose bitrate is the lowest estimate there; it goes
back once its connection has been good for a while. So one bad connection costs the others neither quality nor key frames, and
a stream never has more than two encoders for a codec. Receiver reports change nothing: losses are sent again when they are
asked for (NACK), and what cannot be mended asks for a key frame.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

from server.pipeline.broadcast import Broadcast
from server.transports.shared_encoding import EncodedPicture
from server.transports.viewer_link import ViewerLink

logger = logging.getLogger(__name__)

Tier = Literal["full", "thin"]

# Of the highest estimate: whoever has less is set apart.
LEAST_SHARE = 0.5
# Of what the others get: so much must be there before it is tried again. Half would send it to and fro.
RETURN_SHARE = 0.75
# Receivers never estimate more than one and a half times what they get; so much above it says that there is room.
ROOM = 1.2


class GroupedViewer(Protocol):
    """A viewer as its group knows it."""

    def put(self, item: EncodedPicture) -> None:
        """Takes the next picture of the encoding that it is in."""

    def wait_for_key_frame(self) -> None:
        """What comes next has another encoder: nothing before its next key frame is of use."""

    def fail(self) -> None:
        """Leaves the group: there is no encoder any more."""


class Encoding(Protocol):
    """A running encoding; `target_bps` is what it aims at, in bits a second."""

    pictures: Broadcast[EncodedPicture]
    target_bps: int

    def ask_for_key_frame(self) -> None:
        """Has a picture soon made a key frame."""

    def close(self) -> None:
        """Ends it."""


class OpenEncoding(Protocol):
    """Makes an encoding and starts it."""

    def __call__(self, *, start_bps: int | None, on_failed: Callable[[], None]) -> Encoding:
        """Returns a running encoding, at first with `start_bps` bits a second where that is known."""


class ViewerGroup:
    """Knows who is in which encoding; each runs while somebody is in it. On the event loop.

    `clamp` holds an estimate within the limits of our encoders. `on_empty` is called when the last viewer has left.
    """

    def __init__(
        self,
        open_encoding: OpenEncoding,
        *,
        clamp: Callable[[int], int],
        on_empty: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_encoding = open_encoding
        self._clamp = clamp
        self._on_empty = on_empty
        self._clock = clock
        self._links: dict[GroupedViewer, ViewerLink] = {}
        self._tiers: dict[GroupedViewer, Tier] = {}
        self._encodings: dict[Tier, Encoding] = {}

    def __len__(self) -> int:
        return len(self._tiers)

    @property
    def encodings(self) -> tuple[Tier, ...]:
        """Which run."""
        return tuple(self._encodings)

    def join(self, viewer: GroupedViewer) -> None:
        """Takes a viewer in; its first picture is a key frame."""
        self._links[viewer] = ViewerLink()
        self._put_into("full", viewer)

    def leave(self, viewer: GroupedViewer) -> None:
        """Lets a viewer go; does nothing where it is not in."""
        if viewer in self._tiers:
            self._take_out(viewer)
            del self._links[viewer]
            self._follow_estimates()
            if not self._tiers:
                self._on_empty()

    def ask_for_key_frame(self, viewer: GroupedViewer) -> None:
        """A viewer needs a key frame."""
        self._links[viewer].note_request(self._clock())
        self._weigh(viewer)
        self._encodings[self._tiers[viewer]].ask_for_key_frame()

    def note_estimate(self, viewer: GroupedViewer, bps: int) -> None:
        """A viewer's receiver estimates so many bits a second."""
        self._links[viewer].estimate_bps = self._clamp(bps)
        self._weigh(viewer)
        self._follow_estimates()

    def _weigh(self, viewer: GroupedViewer) -> None:
        """Moves a viewer to where its connection belongs."""
        link, now = self._links[viewer], self._clock()
        if self._tiers[viewer] == "full":
            if self._count("full") > 1 and link.falls_behind(needed_bps=self._least_bps(), now=now):
                link.set_apart()
                self._move(viewer, "thin")
        elif link.has_recovered(needed_bps=self._return_bps(), now=now):
            link.taken_back()
            self._move(viewer, "full")

    def _move(self, viewer: GroupedViewer, tier: Tier) -> None:
        estimate = self._links[viewer].estimate_bps
        logger.info("a viewer moves to the %s encoding; its connection has %s bit/s", tier, estimate or "unknown")
        self._take_out(viewer)
        self._put_into(tier, viewer)

    def _put_into(self, tier: Tier, viewer: GroupedViewer) -> None:
        if tier not in self._encodings:
            estimate = self._links[viewer].estimate_bps
            start_bps = self._thin_bps(estimate) if tier == "thin" else estimate
            self._encodings[tier] = self._open_encoding(start_bps=start_bps, on_failed=partial(self._fail, tier))
        else:
            self._encodings[tier].ask_for_key_frame()
        viewer.wait_for_key_frame()
        self._tiers[viewer] = tier
        self._encodings[tier].pictures.subscribe(viewer)

    def _take_out(self, viewer: GroupedViewer) -> None:
        tier = self._tiers.pop(viewer)
        self._encodings[tier].pictures.unsubscribe(viewer)
        if not self._count(tier):
            self._encodings.pop(tier).close()

    def _fail(self, tier: Tier) -> None:
        """Ends the viewers of an encoding that has failed."""
        for viewer in [viewer for viewer, its in self._tiers.items() if its == tier]:
            viewer.fail()

    def _follow_estimates(self) -> None:
        for tier, encoding in self._encodings.items():
            known = self._estimates(tier)
            if known:
                encoding.target_bps = max(min(known), round(LEAST_SHARE * max(known))) if tier == "full" else min(known)

    def _thin_bps(self, estimate: int | None) -> int:
        """What the second encoding begins with: half of the first one where the viewer has only lost too much."""
        half = round(LEAST_SHARE * self._encodings["full"].target_bps)
        return half if estimate is None else min(estimate, half)

    def _least_bps(self) -> float:
        return LEAST_SHARE * max(self._estimates("full"), default=0)

    def _return_bps(self) -> float:
        full = self._encodings.get("full")
        return 0 if full is None else min(RETURN_SHARE * full.target_bps, ROOM * self._encodings["thin"].target_bps)

    def _estimates(self, tier: Tier) -> list[int]:
        links = [self._links[viewer] for viewer, its in self._tiers.items() if its == tier]
        return [link.estimate_bps for link in links if link.estimate_bps is not None]

    def _count(self, tier: Tier) -> int:
        return sum(its == tier for its in self._tiers.values())
