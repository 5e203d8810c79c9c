"""The arguments of `sightline average`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_average_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("weights", nargs="+", metavar="WEIGHTS", help=".pt files that went on from one another, two or more")
    parser.add_argument("--out", metavar="FILE", default="averaged.pt", help="file to write (default: averaged.pt)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
