"""Bounds: how much is tried. Few examples, always the same, with all other tests; `make fuzz` tries others for minutes."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
"""Set by `make fuzz`; 0 is the short run."""
# All of the short run together, on two idle cores.
_SHORT_RUN_MINUTES = 0.4
# What `make fuzz` finds it tries first the next time. The short run finds the same each time.
_DATABASE = DirectoryBasedExampleDatabase(".hypothesis/fuzz") if MINUTES else None


def bounded(examples: int) -> Callable[..., Any]:
    """Runs a property on so many examples in the short run, in the long one on as many more as it has more minutes."""
    return settings(
        max_examples=max(1, round(examples * max(1.0, MINUTES / _SHORT_RUN_MINUTES))),
        derandomize=not MINUTES,
        database=_DATABASE,
        deadline=None,  # tests assert no time; what hangs ends by the time limit of the sockets and of the test
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    )
