"""The arguments of `sightline export`, apart from it: `--help` needs none of its libraries."""

import argparse


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("weights", help=".pt file of an ultralytics detector")
    parser.add_argument(
        "--format",
        choices=["openvino", "onnx", "int8"],
        default="openvino",
        help="openvino: weights as 16-bit floats (default); onnx: 32-bit, for other programs, too; int8: 8-bit integers",
    )
    parser.add_argument(
        "--calibration", metavar="YAML", help="for int8: data.yaml, or a folder of pictures as the model will meet them"
    )
    parser.add_argument("--imgsz", type=int, help="default input size of the export (default: that of the training)")
    parser.add_argument("--out", metavar="DIR", help="folder to write instead of the one beside the file")
