"""The input size of live streams follows what the processor allows."""

from collections.abc import Sequence
from dataclasses import replace

from server.inference.throughput import SizeThroughput
from server.pipeline.freshness import AgeMeter
from server.pipeline.stats import StreamStats
from server.pipeline.tuning import LOWER_AFTER_S, MOST_RAISE_AFTER_S, RAISE_AFTER_S, InputLevel, InputTuner
from tests.pipeline.test_capacity import STREAM

SIZES = (SizeThroughput(640, 50.0), SizeThroughput(512, 75.0), SizeThroughput(416, 110.0))
GOOD = replace(STREAM, processed_fps=12.0)
SHORT = replace(STREAM, processed_fps=2.0)


class Rig:
    """A tuner, and a clock that moves by a second at each look."""

    def __init__(self) -> None:
        self.tuner = InputTuner(SIZES, min_fps=5)
        self.now_s = 0.0

    def look(self, streams: Sequence[StreamStats], *, seconds: float = 1) -> InputLevel:
        """Looks once a second, for so long."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += 1
            self.tuner.update(streams, now_s=self.now_s)
        return self.tuner.level


def test_a_few_streams_get_the_models_own_size() -> None:
    """Six streams of five detections are what 60 % of fifty suffices for."""
    assert Rig().look([GOOD] * 6) == InputLevel(640, "full")


def test_more_streams_share_a_smaller_size_at_once() -> None:
    """With the seventh stream the plan changes, before anything gets late; the smallest size serves any number."""
    rig = Rig()
    assert rig.look([GOOD] * 7) == InputLevel(512, "streams")
    assert rig.look([GOOD] * 10) == InputLevel(416, "streams")
    assert rig.look([GOOD] * 40) == InputLevel(416, "streams")


def test_a_processor_that_gets_short_lowers_the_size_step_by_step() -> None:
    """Only what lasts counts, and each step gets the time to show what it does."""
    rig = Rig()
    assert rig.look([SHORT], seconds=LOWER_AFTER_S) == InputLevel(640, "full")
    assert rig.look([SHORT]) == InputLevel(512, "short")
    assert rig.look([SHORT], seconds=LOWER_AFTER_S) == InputLevel(512, "short")
    assert rig.look([SHORT]) == InputLevel(416, "short")
    assert rig.look([SHORT], seconds=60) == InputLevel(416, "short")


def test_a_moment_of_shortness_changes_nothing() -> None:
    """A good second in between begins the count anew."""
    rig = Rig()
    for _ in range(10):
        rig.look([SHORT], seconds=LOWER_AFTER_S)
        assert rig.look([GOOD]) == InputLevel(640, "full")


def test_late_results_lower_the_size_too() -> None:
    """Enough detections a second are no comfort when each of them is old."""
    meter = AgeMeter()
    for _ in range(20):
        meter.record(900.0)
    late = replace(GOOD, age=meter.stats())
    assert Rig().look([late], seconds=LOWER_AFTER_S + 1) == InputLevel(512, "short")


def test_a_burst_of_late_results_costs_one_step_at_most() -> None:
    """Two seconds of a busy machine are not seen any more once as many results came in time."""
    rig, meter = Rig(), AgeMeter()
    for age_ms in [900.0] * 10 + [90.0] * 60:
        meter.record(age_ms)
        if meter.stats().count % 5 == 0:
            rig.look([replace(GOOD, age=meter.stats())])
    assert rig.tuner.level.imgsz >= 512


def test_streams_count_as_much_as_they_need() -> None:
    """Cameras that are away or send two pictures a second leave the processor to the others."""
    away = replace(STREAM, received=0, received_fps=0.0, processed_fps=0.0)
    slow = replace(STREAM, received_fps=2.0, processed_fps=2.0)
    assert Rig().look([GOOD] * 3 + [away] * 20 + [slow] * 6) == InputLevel(640, "full")
    assert Rig().look([GOOD] * 3 + [slow] * 8) == InputLevel(512, "streams")


def test_a_stream_that_begins_counts_in_full() -> None:
    """Its rate says little yet."""
    begins = replace(STREAM, received=3, received_fps=1.5, processed_fps=1.0)
    assert Rig().look([GOOD] * 6 + [begins]) == InputLevel(512, "streams")


def test_it_comes_back_up_slowly() -> None:
    """After fifteen good seconds one step, and then another fifteen."""
    rig = Rig()
    rig.look([SHORT], seconds=10)
    rig.look([GOOD], seconds=RAISE_AFTER_S)
    assert rig.tuner.level == InputLevel(416, "short")
    assert rig.look([GOOD]) == InputLevel(512, "short")
    assert rig.look([GOOD], seconds=RAISE_AFTER_S + 1) == InputLevel(640, "full")


def test_it_does_not_come_up_where_the_rates_promise_too_little() -> None:
    """5.5 detections a second at 512 would be 3.7 at 640."""
    rig = Rig()
    rig.look([GOOD] * 7)
    assert rig.look([replace(STREAM, processed_fps=5.5)] * 6, seconds=300) == InputLevel(512, "streams")


def test_a_step_up_that_does_not_hold_is_tried_again_later_each_time() -> None:
    """A machine that is short at the larger size is not made to swing."""
    rig = Rig()
    rig.look([SHORT], seconds=LOWER_AFTER_S + 1)
    waits = []
    for _ in range(6):
        began_s = rig.now_s
        while rig.look([GOOD]).imgsz == 512:
            pass
        waits.append(rig.now_s - began_s)
        rig.look([SHORT], seconds=LOWER_AFTER_S + 1)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (RAISE_AFTER_S, MOST_RAISE_AFTER_S)


def test_an_idle_server_goes_back_to_the_full_size() -> None:
    """The next stream begins with the largest input."""
    rig = Rig()
    rig.look([GOOD] * 40)
    assert rig.look([], seconds=2 * RAISE_AFTER_S + 4) == InputLevel(640, "full")


def test_a_model_of_one_size_keeps_it() -> None:
    """There is nothing to choose from."""
    tuner = InputTuner(SIZES[:1], min_fps=5)
    for second in range(20):
        tuner.update([SHORT] * 40, now_s=second)
    assert tuner.level == InputLevel(640, "full")
