"""The arguments of `sightline export`, apart from it: `--help` needs none of its libraries."""

import argparse

FORMATS = ("openvino", "onnx", "int8")


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("weights", help=".pt file of an ultralytics detector")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="a folder with 16-bit weights, an ONNX file, or a folder that computes in 8 bits (default: openvino)",
    )
    parser.add_argument(
        "--calibration", metavar="YAML", help="for int8: data.yaml whose split train shows what the model will see"
    )
    parser.add_argument("--imgsz", type=int, metavar="N", help="the model's default input size (default: that of its training)")
    parser.add_argument("--out", metavar="PATH", help="where it goes (default: beside the weights)")
