"""`python -m benchmarks [NAME ...]`: measures and writes `benchmarks/results/NAME.json`."""

import argparse
from collections.abc import Callable

from benchmarks import overload, roundtrip, startup, viewers

BENCHMARKS: dict[str, Callable[[], None]] = {
    "startup": startup.run,
    "roundtrip": roundtrip.run,
    "overload": overload.run,
    "viewers": viewers.run,
}


def main() -> None:
    """Runs the named benchmarks, all without a name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all without a name")
    names = parser.parse_args().names or list(BENCHMARKS)
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
