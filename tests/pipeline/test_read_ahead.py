"""Reading ahead on a thread of its own."""

import threading
from collections.abc import Generator

import pytest

from server.pipeline.read_ahead import ReadAhead


def count(up_to: int, *, seen: list[int], closed: threading.Event | None = None) -> Generator[int, None, None]:
    """Counts, and notes what was made."""
    try:
        for number in range(up_to):
            seen.append(number)
            yield number
    finally:
        if closed is not None:
            closed.set()


def test_all_items_come_in_order() -> None:
    """None is lost."""
    with ReadAhead(count(100, seen=[]), depth=3, name="count") as numbers:
        assert list(numbers) == list(range(100))


def test_it_reads_on_its_own_thread_and_no_further_than_told() -> None:
    """Two are ready and one is in the maker's hands."""
    seen: list[int] = []
    made = threading.Event()

    def numbers() -> Generator[str, None, None]:
        for number in range(10):
            seen.append(number)
            if number == 2:
                made.set()
            yield threading.current_thread().name

    with ReadAhead(numbers(), depth=2, name="reader") as ahead:
        assert made.wait(10)
        assert len(seen) == 3
        assert next(iter(ahead)).startswith("reader")


def test_what_is_raised_comes_at_its_place() -> None:
    """After the items before it."""

    def numbers() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    with ReadAhead(numbers(), depth=4, name="count") as ahead:
        taken = iter(ahead)
        assert next(taken) == 1
        with pytest.raises(ValueError, match="broken"):
            next(taken)


def test_leaving_early_closes_the_generator() -> None:
    """And the thread ends, though nobody takes what is ready."""
    seen: list[int] = []
    closed = threading.Event()
    with ReadAhead(count(1000, seen=seen, closed=closed), depth=2, name="count") as ahead:
        assert next(iter(ahead)) == 0
    assert closed.is_set()
    assert len(seen) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("count")]
