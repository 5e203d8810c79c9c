"""The process that opens uploaded videos: `python -m server.jobs.child`, started by the server, never by a person.

It takes its order from standard input, limits and confines itself, and reports on standard output. A file that crashes or
hangs a library ends this process and nothing else; one that takes a library over finds no network, no program, and no file of
the server.
"""

import sys

from server.jobs.confinement import confine
from server.jobs.limits import apply_limits
from server.jobs.messages import decode_order


def main() -> int:
    """Does what the order says; the exit code is 0 when its last report is out."""
    with open(0, "rb", buffering=0, closefd=False) as orders:
        order = decode_order(orders.readline())
    apply_limits(order.limits)
    temporary = confine(order).temporary if order.limits.confined else None
    # Only now: libraries start threads when they are imported, and what is given up holds for threads that are started later.
    from server.jobs.work import work  # noqa: PLC0415 - the line above says why

    work(order, temporary=temporary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
