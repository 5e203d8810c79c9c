"""The arguments of `sightline replay`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command, those of settings excepted."""
    parser.add_argument("videos", nargs="*", metavar="VIDEO", help="videos, or folders of videos")
    parser.add_argument(
        "--rules", metavar="FILE", help="TOML with the fields of the section alerts, and a mask (default: the settings)"
    )
    parser.add_argument(
        "--gun-free", nargs="+", default=[], metavar="VIDEO", help="videos that show no firearm: every alert is a false one"
    )
    parser.add_argument(
        "--raised", metavar="FILE", help='TOML ("clip.mp4" = seconds) or CSV (clip,start_s): when a firearm is raised'
    )
    parser.add_argument("--format", choices=("text", "json", "csv"), default="text", help="form of the answer (default: text)")
    parser.add_argument("--out", metavar="DIR", help="folder for an annotated picture of each alert (default: none)")
