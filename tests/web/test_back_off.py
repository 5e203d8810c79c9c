"""Tests of waiting after wrong keys, on a clock of the test's own."""

import pytest

from server.web.back_off import FORGOTTEN_AFTER_S, LONGEST_S, MOST_ADDRESSES, BackOff


class Clock:
    """A clock that stands still until it is moved."""

    now_s = 1000.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def back_off(clock: Clock) -> BackOff:
    """Three wrong keys are free."""
    return BackOff(free=3, clock=clock)


def fail(back_off: BackOff, address: str | None, *, times: int) -> int:
    """Wrong keys from an address; how long it has to wait then."""
    for _ in range(times):
        back_off.count_failure(address)
    return back_off.wait_s(address)


def test_a_few_wrong_keys_are_free(back_off: BackOff) -> None:
    """Whoever mistypes a key tries again at once."""
    assert back_off.wait_s("192.0.2.1") == 0
    assert fail(back_off, "192.0.2.1", times=2) == 0


def test_the_wait_doubles_up_to_a_minute(back_off: BackOff) -> None:
    """From a second on, and stays at its longest, however many come."""
    fail(back_off, "192.0.2.1", times=2)
    waits = [fail(back_off, "192.0.2.1", times=1) for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S]
    assert fail(back_off, "192.0.2.1", times=2000) == LONGEST_S


def test_the_wait_passes(back_off: BackOff, clock: Clock) -> None:
    """Whole seconds are told, rounded up, so that whoever waits as long is let try."""
    assert fail(back_off, "192.0.2.1", times=4) == 2
    clock.now_s += 0.5
    assert back_off.wait_s("192.0.2.1") == 2
    clock.now_s += 1.5
    assert back_off.wait_s("192.0.2.1") == 0


def test_is_forgotten_after_a_while(back_off: BackOff, clock: Clock) -> None:
    """Ten minutes without a wrong key, and it begins anew; not earlier."""
    fail(back_off, "192.0.2.1", times=6)
    clock.now_s += FORGOTTEN_AFTER_S
    assert fail(back_off, "192.0.2.1", times=1) == 16
    clock.now_s += FORGOTTEN_AFTER_S + 1
    assert fail(back_off, "192.0.2.1", times=1) == 0


def test_addresses_wait_apart(back_off: BackOff) -> None:
    """Nobody waits for another."""
    assert fail(back_off, "192.0.2.1", times=9) > 0
    assert back_off.wait_s("192.0.2.2") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        (None, "no address", True),
    ],
)
def test_what_counts_as_one_client(back_off: BackOff, one: str | None, other: str, *, same: bool) -> None:
    """An IPv4 address in either notation; a whole /64 of IPv6, out of which a client can take as many addresses as it likes."""
    fail(back_off, one, times=4)
    assert (back_off.wait_s(other) > 0) is same


def test_remembers_a_bounded_number(back_off: BackOff) -> None:
    """Whoever has many addresses does not fill the memory; those that failed last are kept."""
    for number in range(MOST_ADDRESSES + 10):
        back_off.count_failure(f"10.0.{number >> 8}.{number & 255}")
    assert len(back_off) == MOST_ADDRESSES
    assert fail(back_off, f"10.0.{(MOST_ADDRESSES + 9) >> 8}.{(MOST_ADDRESSES + 9) & 255}", times=2) == 1
    assert fail(back_off, "10.0.0.0", times=2) == 0
