"""``tracker-ros convert``: an official checkpoint as a model or backbone of this package."""

import argparse
from pathlib import Path

from ...core.errors import some
from ..common.arguments import add_paths
from ..common.outputs import check_model_name, check_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind",
        metavar="KIND",
        help="stmtrack, siamfc, mixvit (models), mae, dinov2_small, inception_v3, resnet50,"
        " mobileone_s0 to s4 or efficientnet_lite0 to lite2 (for `train --backbone`)",
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="what its code saved: .pth, .safetensors, .npz, .onnx",
    )
    text = "default: FILE's name with .safetensors (a model) or .pt (a backbone), here"
    add_paths(parser, {"--output FILE": text})


def run(args: argparse.Namespace) -> int:
    from ...training.official.convert import convert

    stem = args.file.name.partition(".")[0]
    outputs = [args.output] if args.output else [Path(f"{stem}.safetensors"), Path(f"{stem}.pt")]
    check_outputs([args.file], {path.name: path for path in outputs})
    for path in outputs:
        check_model_name(path)
    made = convert(args.kind, args.file, args.output)
    if made.unused:
        print(f"{len(made.unused)} tensors have no use here: {some(made.unused)}")
    print(made.path)
    return 0
