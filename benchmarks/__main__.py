"""`python -m benchmarks [NAME ...]`: measures and writes `results/NAME.json`, and the report of all results."""

import argparse
from typing import Any

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
    soak,
    startup,
    video,
    viewers,
)
from benchmarks.report import write_page

BENCHMARKS: dict[str, Any] = {
    "startup": startup,
    "detection": detection,
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
ASKED_FOR = {"soak"}
"""What is measured only when it is named: it takes half an hour."""


def main() -> None:
    """Runs the named benchmarks, without a name all but those in ASKED_FOR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all but soak without a name")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write the report")
    options = parser.parse_args()
    names = options.names or [name for name in BENCHMARKS if name not in ASKED_FOR]
    for name in () if options.report else names:
        BENCHMARKS[name].run()
    write_page(titles())


def titles() -> dict[str, str]:
    """What each benchmark says of itself."""
    return {name: (module.__doc__ or "").strip() for name, module in BENCHMARKS.items()}


if __name__ == "__main__":
    main()
