"""``tracker-ros convert``: an official checkpoint as a model or backbone of this package."""

import argparse

from ...core.errors import some
from ..common.arguments import add_paths, path_argument
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
        type=path_argument,
        metavar="FILE",
        help="what its code saved: .pth, .safetensors, .npz, .onnx",
    )
    text = "default: FILE's name with .safetensors (a model) or .pt (a backbone), here"
    add_paths(parser, {"--output FILE": text})


def run(args: argparse.Namespace) -> int:
    from ...training.official.convert import convert, output
    from ...training.records.checkpoint import check_file

    path = output(args.kind, args.file, args.output)
    check_file(args.file)
    check_outputs([args.file], {path.name: path})
    check_model_name(path)
    made = convert(args.kind, args.file, args.output)
    if made.unused:
        print(f"{len(made.unused)} tensors have no use here: {some(made.unused)}")
    print(made.path)
    return 0
