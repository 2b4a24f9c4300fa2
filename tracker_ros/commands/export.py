"""``tracker-ros export``: one ONNX file for each step of a tracker."""

import argparse
from pathlib import Path

from .common.outputs import check_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", type=Path, help="a .safetensors file")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="default: the folder of the weights"
    )


def run(args: argparse.Namespace) -> int:
    from ..engines.models.export import export_model

    folder = args.output or args.weights.parent
    graphs = {path.name: path for path in folder.glob(f"{args.weights.stem}.*.onnx")}
    check_outputs([args.weights], graphs)
    for path in export_model(args.weights, folder):
        print(path)
    return 0
