"""The arguments of `sightline detect`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_detect_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command, those of settings excepted."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="picture, video, folder of them, or pattern in quotes")
    parser.add_argument("--out", default="detections", metavar="DIR", help="folder for what is written (default: detections)")
    parser.add_argument("--format", choices=("json", "csv", "coco"), default="json", help="form of the results (default: json)")
    parser.add_argument(
        "--no-video", "--no-annotated", dest="annotated", action="store_false", help="write the results only, nothing annotated"
    )
    parser.add_argument(
        "--every", type=_count, default=1, metavar="N", help="check every N-th frame of a video (default: 1, all of them)"
    )
    parser.add_argument("--classes", default="", help="ids or names of the classes to look for, separated by commas")
    parser.add_argument("--recursive", action="store_true", help="look into the folders of folders too")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
