"""Pressure: when the output follows the detector."""

from server.pipeline.pressure import Pressure


def test_no_pressure_on_an_idle_machine() -> None:
    """Short waits and quick drawings leave the output alone."""
    pressure = Pressure()
    for _ in range(100):
        pressure.record_detection(queue_ms=1.0, detector_ms=20.0)
        pressure.record_draw(2.0)
    assert not pressure.high


def test_a_slow_detector_alone_is_no_pressure() -> None:
    """One stream with a slow model never waits for a worker: its output stays smooth."""
    pressure = Pressure()
    for _ in range(100):
        pressure.record_detection(queue_ms=0.1, detector_ms=400.0)
    assert not pressure.high


def test_waiting_for_workers_is_pressure() -> None:
    """Waits as long as the detection itself make it high, after more than a single one."""
    pressure = Pressure()
    pressure.record_detection(queue_ms=30.0, detector_ms=30.0)
    assert not pressure.high
    for _ in range(30):
        pressure.record_detection(queue_ms=30.0, detector_ms=30.0)
    assert pressure.high


def test_late_drawings_are_pressure() -> None:
    """Drawings that wait for a processor make it high."""
    pressure = Pressure()
    for _ in range(30):
        pressure.record_draw(200.0)
    assert pressure.high


def test_pressure_is_released_well_below_its_limit() -> None:
    """Values just below the limit keep it high, so that the output does not swing; much lower ones release it."""
    pressure = Pressure(wait_share_limit=0.5)
    for _ in range(50):
        pressure.record_detection(queue_ms=30.0, detector_ms=30.0)
    for _ in range(100):
        pressure.record_detection(queue_ms=12.0, detector_ms=30.0)
    assert pressure.high
    for _ in range(100):
        pressure.record_detection(queue_ms=1.0, detector_ms=30.0)
    assert not pressure.high
