"""The heap of the C library: memory that was freed is used again, by whichever thread."""

import ctypes

# glibc's M_ARENA_MAX (malloc.h): over how many separate heaps threads are spread. Its default is eight for each processor.
_M_ARENA_MAX = -8
# With eight for each processor half an hour of mixed work held on to 300 MiB more than was in use. Two leave the event loop and
# one other thread their own; those that compute allocate seldom.
MOST_ARENAS = 2


def use_few_arenas() -> bool:
    """Bounds the heaps of this process, before it starts its threads; False where the C library is another than glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(_M_ARENA_MAX, MOST_ARENAS))
