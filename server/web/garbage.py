"""Python's garbage collector: what a server has loaded once is not looked through again and again."""

import gc


def keep_what_is_loaded() -> None:
    """Collects, and leaves what there is then out of all later collections.

    A full collection holds up every thread, the event loop's too: for 60 to 130 ms where modules, routes and model are looked
    through each time, for half a millisecond where they are not. Blocks as long as one: call it before there are sessions.
    """
    gc.collect()
    gc.freeze()
