"""`python -m benchmarks [NAME ...]`: measures and writes `results/NAME.json`, and the report of all results."""

import argparse
import sys
import traceback
from typing import Any

import pytest

from benchmarks import (
    camera_alerts,
    cameras,
    capacity,
    churn,
    container,
    detection,
    encoding,
    jobs,
    live,
    nat,
    overload,
    page,
    picture,
    roundtrip,
    scale,
    shapes,
    soak,
    startup,
    video,
    viewers,
)
from benchmarks.report.results import write_page

BENCHMARKS: dict[str, Any] = {
    "startup": startup,
    "detection": detection,
    "shapes": shapes,
    "encoding": encoding,
    "roundtrip": roundtrip,
    "page": page,
    "picture": picture,
    "capacity": capacity,
    "scale": scale,
    "overload": overload,
    "viewers": viewers,
    "jobs": jobs,
    "live": live,
    "video": video,
    "container": container,
    "nat": nat,
    "cameras": cameras,
    "camera_alerts": camera_alerts,
    "churn": churn,
    "soak": soak,
}
NONE: list[str] = []
"""What argparse takes for the choice of no name at all."""

ASKED_FOR = {"soak"}
"""What is measured only when it is named: it takes half an hour."""


def main() -> int:
    """Runs the named benchmarks, without a name all but those in ASKED_FOR; 1 where one failed, after all others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, NONE], help="all but soak without a name")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write the report")
    options = parser.parse_args()
    names = options.names or [name for name in BENCHMARKS if name not in ASKED_FOR]
    failed = [name for name in names if not options.report and not _measure(name)]
    write_page(titles())
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(name: str) -> bool:
    """Runs one; False where it failed. What this machine cannot measure is said, and keeps the result that there was."""
    try:
        BENCHMARKS[name].run()
    except pytest.skip.Exception as reason:  # of the tests' helpers, which look for browsers and network tools
        print(f"{name}: left out: {reason}", flush=True)
    except Exception:  # noqa: BLE001 - an hour of other measurements must not be lost
        print(f"{name}: failed\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        return False
    return True


def titles() -> dict[str, str]:
    """What each benchmark says of itself."""
    return {name: (module.__doc__ or "").strip() for name, module in BENCHMARKS.items()}


if __name__ == "__main__":
    sys.exit(main())
