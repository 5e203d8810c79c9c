"""What is loaded is left out of later collections, looked at in a process of its own: it holds for all of a process."""

import json
import subprocess
import sys

# A hundred thousand objects that stay, and a ring of two that nobody knows any more, with a witness of its end.
PROGRAM = """
import gc, json, weakref
from server.web.garbage import keep_what_is_loaded
class Node: pass
gc.disable()
stays = [[] for _ in range(100_000)]
one, other = Node(), Node()
one.other, other.other = other, one
gone = weakref.ref(one)
del one, other
before = len(gc.get_objects())
keep_what_is_loaded()
print(json.dumps({"before": before, "after": len(gc.get_objects()), "garbage is gone": gone() is None}))
"""


def test_what_is_loaded_is_looked_through_once_more_and_then_no_longer() -> None:
    """Garbage of the start is collected; of what stays, later collections see nothing."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    seen = json.loads(run.stdout)
    assert seen["garbage is gone"]
    assert seen["before"] > 100_000
    assert seen["after"] < 1000
