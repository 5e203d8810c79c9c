"""`python -m benchmarks [NAME ...]`: measures and writes `results/NAME.json` and `README.md` beside it."""

import argparse
from typing import Any

from benchmarks import (
    camera_alerts,
    cameras,
    container,
    detection,
    encoding,
    jobs,
    nat,
    overload,
    page,
    roundtrip,
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
    names = parser.parse_args().names or list(BENCHMARKS)
    for name in names:
        BENCHMARKS[name].run()
    write_page({name: (module.__doc__ or "").strip() for name, module in BENCHMARKS.items()})


if __name__ == "__main__":
    main()
