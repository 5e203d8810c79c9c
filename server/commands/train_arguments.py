"""The arguments of `sightline train`, apart from it: `--help` needs none of its libraries."""

import argparse

from server.training.recipe import BATCH, CPU_BATCH, EPOCHS, IMGSZ


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("--data", metavar="YAML", help="data.yaml of a data set in YOLO layout, with the splits train and val")
    parser.add_argument("--base", help=".pt weights to begin with, or an architecture without any: yolov8n.yaml")
    parser.add_argument(
        "--imgsz",
        dest="input_px",
        type=int,
        default=IMGSZ,
        metavar="N",
        help=f"longest side of the input, a multiple of 32 (default: {IMGSZ})",
    )
    parser.add_argument(
        "--epochs", type=int, default=EPOCHS, metavar="N", help=f"how often each picture is seen (default: {EPOCHS})"
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="as many epochs as fit into this time, whatever --epochs says"
    )
    parser.add_argument(
        "--batch", type=int, metavar="N", help=f"pictures at once (default: {BATCH}, without a GPU {CPU_BATCH})"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, mps, or the number of a GPU (default: auto)")
    parser.add_argument("--recipe", metavar="FILE", help="TOML file with hyperparameters, instead of the default ones")
    parser.add_argument(
        "--set", dest="changes", action="append", default=[], metavar="KEY=VALUE", help="one hyperparameter; may be repeated"
    )
    parser.add_argument(
        "--teachers", nargs="+", default=[], metavar="PT", help=".pt weights to learn from beside the labels, earlier ones"
    )
    parser.add_argument("--float32", action="store_true", help="compute in 32 bits where the device would take bfloat16")
    parser.add_argument("--resume", action="store_true", help="go on with the interrupted training in --out")
    parser.add_argument("--check-only", action="store_true", help="check the data set and stop")
    parser.add_argument(
        "--force", action="store_true", help="train in spite of errors in the data set, and over what is in --out already"
    )
    parser.add_argument("--out", default="training", metavar="DIR", help="folder for what is written (default: training)")
