"""Jumps of the wall clock are noticed, and then ages count for nothing for a while."""

from server.domain.clock_jumps import JUMP_S, ClockJumps


class Clocks:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_000_000.0
        self.steady_s = 50.0
        self.jumps = ClockJumps(hold_s=100.0, wall_clock=lambda: self.wall_s, clock=lambda: self.steady_s)

    def pass_by(self, seconds: float) -> None:
        """Time passes."""
        self.wall_s += seconds
        self.steady_s += seconds


def test_time_that_passes_is_no_jump() -> None:
    """Nor is what a time server corrects."""
    clocks = Clocks()
    clocks.pass_by(86_400)
    clocks.wall_s += JUMP_S / 2
    assert clocks.jumps.jumped_s() == 0.0
    assert not clocks.jumps.held


def test_a_jump_is_told_once_and_holds_for_a_while() -> None:
    """Forward and back."""
    clocks = Clocks()
    for jump_s in (86_400.0, -86_400.0):
        clocks.wall_s += jump_s
        assert clocks.jumps.jumped_s() == jump_s
        assert clocks.jumps.jumped_s() == 0.0
        assert clocks.jumps.held
    clocks.pass_by(99.0)
    assert clocks.jumps.held
    clocks.pass_by(1.0)
    assert not clocks.jumps.held
