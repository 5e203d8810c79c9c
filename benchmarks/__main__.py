"""`python -m benchmarks [NAME ...]`: measures and writes `results/NAME.json`, and the report of all results."""

import argparse
from typing import Any

from benchmarks import (
    camera_alerts,
    cameras,
    capacity,
    container,
    detection,
    jobs,
    nat,
    overload,
    page,
    roundtrip,
    scale,
    startup,
    video,
    viewers,
)
from benchmarks.report import write_page

BENCHMARKS: dict[str, Any] = {
    "startup": startup,
    "detection": detection,
    "roundtrip": roundtrip,
    "page": page,
    "capacity": capacity,
    "scale": scale,
    "overload": overload,
    "viewers": viewers,
    "jobs": jobs,
    "video": video,
    "container": container,
    "nat": nat,
    "cameras": cameras,
    "camera_alerts": camera_alerts,
}


def main() -> None:
    """Runs the named benchmarks, all without a name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all without a name")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write the report")
    options = parser.parse_args()
    for name in () if options.report else options.names or list(BENCHMARKS):
        BENCHMARKS[name].run()
    write_page({name: (module.__doc__ or "").strip() for name, module in BENCHMARKS.items()})


if __name__ == "__main__":
    main()
