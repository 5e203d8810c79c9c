"""Python's garbage collector: what a server has loaded once is not looked through again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def put_off_collections() -> Iterator[None]:
    """Collects nothing inside the block, until `keep_what_is_loaded` is called: a start makes next to no garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is_loaded() -> None:
    """Leaves all that there is now out of later collections, and lets those begin.

    A full collection holds up every thread, the event loop's too: for 60 to 130 ms where modules, routes and model are looked
    through each time, for half a millisecond where they are not.
    """
    gc.freeze()
    gc.enable()
