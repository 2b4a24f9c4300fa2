"""``tracker-ros pretrain``: a backbone that classifies pictures, for ``train --backbone``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from .common.arguments import positive_int

    parser.add_argument(
        "data",
        nargs="+",
        metavar="FOLDER | NAME:FOLDER",
        help="FOLDER/CLASS/pictures, a folder of training shards (tiny-*.tar and voc-*.tar are"
        " used), or NAME:FOLDER with NAME tiny or voc (shards) or a set whose objects have"
        " classes: coco, det, got10k, lasot, vid or youtube_bb",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="weights and facts; an unfinished file goes on",
    )
    parser.add_argument(
        "--model", default="dastm_tiny", help="whose backbone is trained (default: %(default)s)"
    )
    for name, default, text in (
        ("epochs", 12, "passes over the pictures"),
        ("batch", 128, "pictures an update"),
        ("size", 64, "side of the pictures, pixels"),
    ):
        parser.add_argument(
            f"--{name}", type=positive_int, default=default, help=f"{text} (default: %(default)s)"
        )
    parser.add_argument(
        "--rate", type=float, default=0.15, help="highest learning rate (default: %(default)s)"
    )
    parser.add_argument(
        "--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="decoding processes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="where indices of sets are kept"
    )


def run(args: argparse.Namespace) -> int:
    import math

    from ..core.errors import ParameterError
    from ..networks.presets import preset
    from ..training.data.public import default_cache
    from ..training.pretraining.classifier import PretrainingConfig, pretrain
    from .common.outputs import check_outputs
    from .train import find_device

    network = preset(args.model).network
    if not hasattr(network, "backbone"):
        raise ParameterError(f"--model is {args.model!r}, which has no backbone to pre-train")
    if network.backbone.startswith("efficientnet"):
        raise ParameterError(
            f"--model is {args.model!r}, whose backbone is {network.backbone}:"
            " `tracker-ros convert` makes it of ImageNet's weights"
        )
    if not 0 < args.rate < math.inf:
        raise ParameterError(f"--rate is {args.rate}, not a number above 0")
    if args.workers < 0 or args.seed < 0:
        raise ParameterError("--workers and --seed are whole numbers from 0 up")
    config = PretrainingConfig(
        epochs=args.epochs,
        batch=args.batch,
        rate=args.rate,
        size=args.size,
        workers=args.workers,
        seed=args.seed,
    )
    device = find_device(args.device)
    check_outputs(args.data, {"--out": args.out})
    args.out.parent.mkdir(parents=True, exist_ok=True)
    pretrain(args.data, args.out, network, config, device, args.cache or default_cache())
    print(args.out)
    return 0
