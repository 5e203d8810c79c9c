"""The heap of the C library: memory that was freed is used again, by whichever thread."""

import ctypes

# glibc's M_ARENA_MAX (malloc.h): over how many separate heaps threads are spread. Its default is eight for each processor.
_M_ARENA_MAX = -8
# Half an hour of mixed work (`make soak`) ended at 553 MiB with eight for each processor, and at 408 with two: threads come and
# go with sessions, and what one has freed no other used.
MOST_ARENAS = 2


def use_few_arenas() -> bool:
    """Bounds the heaps of this process, before it starts its threads; False where the C library is another than glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(_M_ARENA_MAX, MOST_ARENAS))
