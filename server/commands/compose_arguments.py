"""The arguments of `sightline compose`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_compose_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("--data", required=True, metavar="YAML", help="data.yaml whose training pictures are the material")
    parser.add_argument("--out", default="composed", metavar="DIR", help="folder for what is written (default: composed)")
    parser.add_argument(
        "--backgrounds", nargs="+", default=[], metavar="DIR", help="folders of more pictures that show nothing of any class"
    )
    parser.add_argument(
        "--cutouts", metavar="DIR", help="PNG files with alpha of things that are easily confused with the objects"
    )
    parser.add_argument(
        "--mined", metavar="JSON", help="results of `sightline detect`: what they name in pictures without objects is wrong"
    )
    parser.add_argument("--people", metavar="JSON", help="results of `sightline detect` with a model that knows people")
    parser.add_argument(
        "--count",
        action="append",
        default=[],
        metavar="KIND=N",
        help="how many of a kind; others keep their number (repeatable)",
    )
    parser.add_argument("--imgsz", type=int, default=640, help="longer side of most composites in pixels (default: 640)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other pictures (default: 1)")
