"""Tests of telling held up pictures from fresh ones."""

from server.transports.arrival_clock import PAUSED_S, ArrivalClock

INTERVAL_S = 0.04


def steady(clock: ArrivalClock, *, frames: int, now: float = 100.0, time_s: float = 0.0) -> tuple[float, float]:
    """Frames that come as they should; when the next is due and its time."""
    for _ in range(frames):
        assert clock.received(time_s, now=now, waited_s=INTERVAL_S) == now
        now, time_s = now + INTERVAL_S, time_s + INTERVAL_S
    return now, time_s


def test_steady_frames_are_fresh() -> None:
    """They keep the time at which they came, small delays included."""
    clock = ArrivalClock()
    now, time_s = steady(clock, frames=50)
    assert clock.received(time_s, now=now + 0.1, waited_s=0.14) == now + 0.1
    assert clock.late_s == 0


def test_what_has_piled_up_is_old() -> None:
    """After a hold-up of four seconds each frame is as old as it is, until the newest comes."""
    clock = ArrivalClock()
    now, time_s = steady(clock, frames=50)
    arrival = now + 4.0
    for number in range(93):
        received_at = clock.received(time_s + number * INTERVAL_S, now=arrival, waited_s=0.0)
        assert abs(received_at - (now + number * INTERVAL_S)) < 1e-6
    assert clock.received(time_s + 4.0, now=arrival, waited_s=0.0) == arrival
    assert clock.late_s == 0


def test_a_camera_that_has_paused_is_fresh_again() -> None:
    """Its times stood still while it sent nothing: after a second nobody calls its frames old."""
    clock = ArrivalClock()
    now, time_s = steady(clock, frames=50)
    now += 4.0
    frames = int(PAUSED_S / INTERVAL_S) + 2
    stamps = []
    for _ in range(frames):
        stamps.append(now - clock.received(time_s, now=now, waited_s=INTERVAL_S))
        now, time_s = now + INTERVAL_S, time_s + INTERVAL_S
    assert stamps[0] > 3.9
    assert stamps[-1] == 0
    steady(clock, frames=10, now=now, time_s=time_s)


def test_a_camera_that_has_paused_and_sends_two_frames_at_a_time() -> None:
    """The second of them lies ready, which makes it no hold-up."""
    clock = ArrivalClock()
    now, time_s = steady(clock, frames=50)
    now += 4.0
    for number in range(2 * (int(PAUSED_S / INTERVAL_S) + 2)):
        second = number % 2 == 1
        received_at = clock.received(time_s, now=now, waited_s=0.0 if second else 2 * INTERVAL_S)
        last, time_s = now, time_s + INTERVAL_S
        now += 2 * INTERVAL_S if second else 0.0
    assert received_at == last
    assert clock.late_s == 0


def test_what_catches_up_is_old() -> None:
    """After a hold-up frames come at twice their pace, and are waited for: each is as old as it is."""
    clock = ArrivalClock()
    due, time_s = steady(clock, frames=50)
    for number in range(150):
        now = due + 4.0 + number * INTERVAL_S / 2
        received_at = clock.received(time_s + number * INTERVAL_S, now=now, waited_s=INTERVAL_S / 2)
        assert abs(received_at - (due + number * INTERVAL_S)) < 1e-6
    assert clock.late_s > 0.9


def test_what_a_reader_cannot_keep_up_with_is_old() -> None:
    """Packets that lie ready come late because of the reader, however slowly the lateness grows."""
    clock = ArrivalClock()
    now, time_s = steady(clock, frames=50)
    for number in range(1000):
        clock.received(time_s + number * INTERVAL_S, now=now + number * INTERVAL_S * 1.02, waited_s=0.001)
    assert clock.late_s > 0.7


def test_times_that_begin_anew() -> None:
    """A film that repeats, or a camera whose clock was set, begins a new reckoning."""
    clock = ArrivalClock()
    now, _ = steady(clock, frames=50, time_s=5000.0)
    steady(clock, frames=10, now=now, time_s=0.0)
    steady(clock, frames=10, now=now + 1, time_s=90_000.0)


def test_a_clock_that_runs_slowly() -> None:
    """A drift of one part in a thousand makes nothing old, as old baselines are forgotten."""
    clock = ArrivalClock()
    for number in range(15_000):
        now = 100 + number * INTERVAL_S
        assert clock.received(number * INTERVAL_S * 0.999, now=now, waited_s=INTERVAL_S) == now
