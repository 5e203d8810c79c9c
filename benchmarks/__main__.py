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
    live,
    nat,
    overload,
    page,
    picture,
    roundtrip,
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
    "overload": overload,
    "viewers": viewers,
    "jobs": jobs,
    "live": live,
    "video": video,
    "container": container,
    "nat": nat,
    "cameras": cameras,
    "camera_alerts": camera_alerts,
    "soak": soak,
}
ASKED_FOR = {"soak"}
"""What is measured only when it is named: it takes half an hour."""


def main() -> None:
    """Runs the named benchmarks, without a name all but those in ASKED_FOR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all but soak without a name")
    names = parser.parse_args().names or [name for name in BENCHMARKS if name not in ASKED_FOR]
    for name in names:
        BENCHMARKS[name].run()
    write_page({name: (module.__doc__ or "").strip() for name, module in BENCHMARKS.items()})


if __name__ == "__main__":
    main()
