"""Python's garbage collector: what a server has loaded once is not looked through again and again."""

import gc


def keep_what_is_loaded() -> None:
    """Collects, and leaves what there is then out of all later collections.

    A full collection holds up every thread, event loop included: 60 to 130 ms on two processors while the modules, the routes and
    the model are looked through, half a millisecond without them. Blocks as long as one: call it before there are sessions.
    """
    gc.collect()
    gc.freeze()
