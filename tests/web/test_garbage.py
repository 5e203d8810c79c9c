"""What is loaded is left out of later collections, looked at in a process of its own: it holds for all of a process."""

import json
import subprocess
import sys

# A hundred thousand objects that stay, and rings of two that nobody knows any more, made before and after.
PROGRAM = """
import gc, json, weakref
from server.web.garbage import keep_what_is_loaded, put_off_collections
class Node: pass
def ring():
    one, other = Node(), Node()
    one.other, other.other = other, one
    return weakref.ref(one)
told = {}
with put_off_collections():
    early = ring()
    stays = [[] for _ in range(100_000)]
    told["nothing is collected at the start"] = early() is not None
    told["before"] = len(gc.get_objects())
    keep_what_is_loaded()
    told["after"] = len(gc.get_objects())
    late = ring()
    more = [[] for _ in range(100_000)]
    told["garbage is collected afterwards"] = late() is None
print(json.dumps(told))
"""


def test_what_is_loaded_is_left_out_of_later_collections() -> None:
    """Nothing is looked for while much is made; afterwards only what came later is looked through."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    told = json.loads(run.stdout)
    assert told["nothing is collected at the start"]
    assert told["before"] > 100_000
    assert told["after"] < 1000
    assert told["garbage is collected afterwards"]


def test_collections_come_back_where_a_start_fails() -> None:
    """Such as a command of a longer program."""
    program = (
        "import gc\nfrom server.web.garbage import put_off_collections\nwith put_off_collections(): pass\nprint(gc.isenabled())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True"
