"""Viewers of one codec: one encoding for all, a second one for those with a bad connection, and none without viewers."""

import pytest

from server.transports.shared_encoding import EncodedPicture
from server.transports.viewer_link import FIRST_WAIT_S, REQUESTS, REQUESTS_S
from tests.transports.encodings import NotedEncoding, NotedGroup, make_encoded
from tests.transports.set_clock import SetClock


class NotedViewer:
    """A viewer that keeps what it gets."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.waited = 0
        self.failed = False

    def put(self, item: EncodedPicture) -> None:
        """Keeps it."""
        self.numbers.append(item.data[0])

    def wait_for_key_frame(self) -> None:
        """Counts."""
        self.waited += 1

    def fail(self) -> None:
        """Notes it."""
        self.failed = True


class Party:
    """A group of viewers that have joined, on a clock that the test moves."""

    def __init__(self, viewers: int) -> None:
        self.clock = SetClock()
        self.noted = NotedGroup(clock=self.clock)
        self.group = self.noted.group
        self.viewers = [NotedViewer() for _ in range(viewers)]
        for viewer in self.viewers:
            self.group.join(viewer)

    @property
    def full(self) -> NotedEncoding:
        """The encoding that all begin with."""
        return self.noted.opened[0]

    @property
    def encodings(self) -> list[str]:
        """Which run."""
        return list(self.group.encodings)

    def tell(self, *estimates_bps: int, seconds: float = 0.0, step_s: float = 0.5) -> None:
        """Each viewer's estimate, repeated for a while."""
        until = self.clock.now + seconds
        while True:
            for viewer, bps in zip(self.viewers, estimates_bps, strict=True):
                self.group.note_estimate(viewer, bps)
            if self.clock.now >= until:
                return
            self.clock.now += step_s


def test_all_share_one_encoding() -> None:
    """The first opens it, each later one asks it for a key frame, and all get its pictures."""
    party = Party(3)
    assert len(party.noted.opened) == 1
    assert party.full.asked == 2
    party.full.pictures.publish(make_encoded(7))
    assert [viewer.numbers for viewer in party.viewers] == [[7], [7], [7]]


def test_the_encoding_ends_with_its_last_viewer() -> None:
    """It goes on for those who stay."""
    party = Party(2)
    party.group.leave(party.viewers[0])
    assert not party.full.closed
    party.group.leave(party.viewers[1])
    party.group.leave(party.viewers[1])
    assert party.full.closed
    assert party.noted.emptied == 1


@pytest.mark.parametrize(
    ("estimates_bps", "target_bps"),
    [([3_000_000, 2_000_000], 2_000_000), ([3_000_000, 1_000_000], 1_500_000), ([100, 100], 250_000)],
)
def test_the_bitrate_is_the_lowest_estimate_but_at_least_half_of_the_highest(estimates_bps: list[int], target_bps: int) -> None:
    """One bad connection does not cost the others more than half."""
    party = Party(2)
    party.tell(*estimates_bps)
    assert party.full.target_bps == target_bps
    assert party.encodings == ["full"]


def test_a_viewer_with_a_weak_connection_gets_an_encoding_of_its_own() -> None:
    """After two seconds it waits for a key frame of another encoding, at its bitrate; the others get theirs back."""
    party = Party(3)
    party.tell(3_000_000, 3_000_000, 400_000, seconds=1.5)
    assert party.encodings == ["full"]
    party.tell(3_000_000, 3_000_000, 400_000, seconds=1.0)
    thin = party.noted.opened[1]
    assert (party.full.target_bps, thin.target_bps) == (3_000_000, 400_000)
    thin.pictures.publish(make_encoded(1))
    party.full.pictures.publish(make_encoded(2))
    assert [viewer.numbers for viewer in party.viewers] == [[2], [2], [1]]
    assert party.viewers[2].waited == 2


def test_a_moment_of_a_weak_connection_moves_nobody() -> None:
    """An estimate that comes back within two seconds was not meant."""
    party = Party(2)
    for _ in range(5):
        party.tell(3_000_000, 400_000, seconds=1.0)
        party.tell(3_000_000, 3_000_000, seconds=0.5)
    assert len(party.noted.opened) == 1


def test_a_lone_viewer_has_the_one_encoding_whatever_its_connection() -> None:
    """The bitrate follows its estimate, and there is no second encoder."""
    party = Party(1)
    party.tell(3_000_000)
    party.tell(300_000, seconds=10.0)
    assert party.full.target_bps == 300_000
    assert len(party.noted.opened) == 1


def test_a_viewer_that_always_needs_key_frames_is_set_apart() -> None:
    """It no longer makes the others' encoding send them; asking several times for the same one counts once."""
    party = Party(2)
    lossy = party.viewers[1]
    for _ in range(REQUESTS - 1):
        for _ in range(4):
            party.group.ask_for_key_frame(lossy)
            party.clock.now += 0.25
    assert len(party.noted.opened) == 1
    party.group.ask_for_key_frame(lossy)
    assert party.encodings == ["full", "thin"]
    before = party.full.asked
    party.group.ask_for_key_frame(lossy)
    assert party.full.asked == before


def test_a_viewer_that_needs_a_key_frame_now_and_then_stays() -> None:
    """Fewer than one in three seconds are what others' losses may cost."""
    party = Party(2)
    for _ in range(20):
        party.group.ask_for_key_frame(party.viewers[1])
        party.clock.now += REQUESTS_S / (REQUESTS - 1)
    assert len(party.noted.opened) == 1


def test_a_viewer_comes_back_when_its_connection_is_good_again() -> None:
    """After a while of an estimate that is near what the others get; the second encoding ends with it."""
    party = Party(2)
    party.tell(3_000_000, 400_000, seconds=2.0)
    party.tell(3_000_000, 2_400_000, seconds=FIRST_WAIT_S - 1)
    assert party.encodings == ["full", "thin"]
    party.tell(3_000_000, 2_400_000, seconds=1.5)
    assert party.encodings == ["full"]
    assert party.noted.opened[1].closed


def test_a_viewer_that_was_sent_back_waits_longer_the_next_time() -> None:
    """A connection that only looks good is not tried again and again."""
    party = Party(2)
    for wait_s in (FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S):
        party.tell(3_000_000, 400_000, seconds=2.5)
        party.tell(3_000_000, 2_400_000, seconds=wait_s - 1)
        assert party.encodings == ["full", "thin"]
        party.tell(3_000_000, 2_400_000, seconds=2.0)
        assert party.encodings == ["full"]


def test_a_receiver_that_gets_little_can_estimate_no_more_and_comes_back_all_the_same() -> None:
    """Beside a worse one in the second encoding, room above what that sends is enough."""
    party = Party(3)
    party.tell(3_000_000, 900_000, 300_000, seconds=2.5)
    assert party.noted.opened[1].target_bps == 300_000
    party.tell(3_000_000, 450_000, 300_000, seconds=FIRST_WAIT_S + 1)
    party.full.pictures.publish(make_encoded(9))
    assert [viewer.numbers for viewer in party.viewers] == [[9], [9], []]


def test_viewers_come_back_when_all_others_have_left() -> None:
    """Nobody is left whom they could cost anything."""
    party = Party(2)
    party.tell(3_000_000, 400_000, seconds=2.5)
    party.group.leave(party.viewers[0])
    for _ in range(40):
        party.group.note_estimate(party.viewers[1], 400_000)
        party.clock.now += 0.5
    assert party.encodings == ["full"]
    assert party.noted.opened[-1].target_bps == 400_000


def test_an_encoder_that_fails_ends_its_viewers() -> None:
    """Those of the other encoding stay."""
    party = Party(2)
    party.tell(3_000_000, 400_000, seconds=2.5)
    party.noted.opened[1].fail()
    assert [viewer.failed for viewer in party.viewers] == [False, True]
