"""The arguments of `sightline evaluate`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command, those of settings excepted."""
    parser.add_argument("--data", metavar="YAML", help="data.yaml of a data set in YOLO layout")
    parser.add_argument("--split", default="val", help="which of its splits (default: val)")
    parser.add_argument(
        "--by-source", metavar="CSV", help="file with the columns split, file and source: figures for each source"
    )
    parser.add_argument(
        "--imgsz", dest="sizes", type=int, nargs="+", metavar="N", help="longest sides of the input (default: the model's own)"
    )
    parser.add_argument(
        "--against", metavar="PT", help="the .pt weights that the model was made from, to tell how far it is from them"
    )
    parser.add_argument(
        "--clips", nargs="+", metavar="SOURCE", help="videos, or folders of videos: false alarms and times to alert"
    )
    parser.add_argument(
        "--raised",
        metavar="FILE",
        help='TOML ("clip.mp4" = seconds) or CSV (clip,start_s): when a firearm is raised; others show none',
    )
    parser.add_argument("--rule", metavar="N/M", help="alert rule: N of M frames on one track (default: 3/5)")
    parser.add_argument("--sweep", action="store_true", help="with --clips: the same for many confidences and rules, as a CSV")
    parser.add_argument("--out", default="evaluation", metavar="DIR", help="folder for what is written (default: evaluation)")
