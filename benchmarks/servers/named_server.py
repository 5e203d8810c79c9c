"""The server with its threads' names told to the system, so that the processor time of each can be read from outside.

`python -m benchmarks.servers.named_server serve ...` takes what `python -m server` takes. Python 3.14 names threads by itself.
"""

import sys
import threading
from pathlib import Path

from server.cli import main


def name_thread(*event: object) -> None:
    """Tells the name of the present thread, once: a profile function, which Python calls as a thread begins."""
    del event
    sys.setprofile(None)
    # Linux keeps 15 characters. Threads that a library starts inherit the name of the one that started them.
    name = threading.current_thread().name[:15]
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name, encoding="utf-8")


if __name__ == "__main__":
    threading.setprofile(name_thread)
    sys.exit(main())
