"""`tracker-ros train`: backbone pre-training, training, release."""

from __future__ import annotations

import argparse
import math
import os
import re
from pathlib import Path

LEAST = {
    "steps": 1,
    "batch": 1,
    "max_gap": 1,
    "pretrain": 0,
    "minutes": 0,
    "rate": 0,
    "workers": 0,
    "seed": 0,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="+",
        metavar="FOLDER | NAME:FOLDER[:WEIGHT]",
        help="folder of training shards (KIND-NUMBER.tar), or sets in their published layout: NAME"
        " is shards, coco, davis, det, got10k, lasot, otb, trackingnet, vid or youtube_bb, WEIGHT"
        " how often it is drawn (1)",
    )
    parser.add_argument(
        "--preview",
        type=Path,
        metavar="PNG",
        help="only write a contact sheet of what the network would see",
    )
    parser.add_argument(
        "--causal", action="store_true", help="memory frames before the query, earliest first"
    )
    parser.add_argument(
        "--max-gap",
        type=int,
        default=100,
        metavar="FRAMES",
        help="of the video between memory and query (default: %(default)s)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where indices of sets are kept (default: tracker_ros/clips in the user's cache)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/dastm"),
        metavar="FOLDER",
        help="checkpoints and log; an existing run goes on (default: %(default)s)",
    )
    parser.add_argument(
        "--name",
        default="dastm",
        help="name of the model written to the folder at the end (default: %(default)s)",
    )
    parser.add_argument(
        "--pretrain",
        type=int,
        default=10,
        metavar="EPOCHS",
        help="epochs of backbone pre-training on tiny-*.tar; 0 for none (default: %(default)s)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, default=10_000, help="updates (default: %(default)s)")
    length.add_argument(
        "--minutes",
        type=float,
        default=0.0,
        help="train for so long instead; the schedule follows the clock",
    )
    parser.add_argument(
        "--batch", type=int, default=32, help="samples an update (default: %(default)s)"
    )
    parser.add_argument(
        "--rate", type=float, default=1e-3, help="learning rate (default: %(default)s)"
    )
    parser.add_argument(
        "--gate",
        default="hard",
        help="hard, soft, static, random, skip, se, ca or cbam (default: %(default)s)",
    )
    parser.add_argument(
        "--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="data processes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    import torch

    from ..core.config import TrackingConfig
    from ..core.errors import ParameterError
    from ..networks.dastm import DastmConfig
    from ..networks.gate import MODES
    from .datasets import default_cache
    from .datasets.mixture import shards_folder
    from .loop import Trainer, TrainingConfig
    from .pretrain import pretrain
    from .preview import PREVIEWED, write_contact_sheet
    from .ranks import Ranks
    from .release import release
    from .sampling import Samples, SamplingConfig

    if args.gate not in MODES:
        raise ParameterError(f"--gate is {args.gate!r}, not one of {', '.join(MODES)}")
    for name, least in LEAST.items():
        value = getattr(args, name)
        if not least <= value < math.inf:
            raise ParameterError(
                f"--{name.replace('_', '-')} is {value}, not a number from {least} up"
            )
    if not re.fullmatch("cpu|cuda(:[0-9]+)?", args.device):
        raise ParameterError(f"--device is {args.device!r}, not cpu, cuda or cuda:N")
    if args.device != "cpu" and (torch.device(args.device).index or 0) >= torch.cuda.device_count():
        raise ParameterError(f"--device is {args.device!r}, but torch does not find it here")
    sampling = SamplingConfig(max_gap=args.max_gap, causal=args.causal)
    cache = args.cache or default_cache()
    if args.preview:
        samples = Samples(args.data, TrackingConfig(), sampling, args.seed, cache)
        write_contact_sheet([samples[index] for index in range(PREVIEWED)], args.preview)
        print(args.preview)
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    network = DastmConfig(gate=args.gate)
    trunk = args.out / "trunk.pt"
    device = args.device
    if device == "cuda":  # under torchrun, each process has a GPU of its own
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    ranks = Ranks.join(torch.device(device))
    if args.pretrain and ranks.leads and not trunk.exists():
        pretrain(
            shards_folder(args.data),
            trunk,
            network.widths,
            network.depths,
            branches=network.branches,
            scale=network.scale,
            epochs=args.pretrain,
            seed=args.seed,
        )
    ranks.wait()
    config = TrainingConfig(
        batch=args.batch,
        steps=args.steps,
        minutes=args.minutes,
        rate=args.rate,
        workers=args.workers,
        seed=args.seed,
        device=device,
        sampling=sampling,
    )
    start = trunk if trunk.exists() else None
    trainer = Trainer(args.data, args.out, network, TrackingConfig(), config, start, cache)
    trainer.run()
    if not ranks.leads:
        return 0
    for path in release(args.out / "last.pt", args.out / f"{args.name}.safetensors"):
        print(path)
    return 0
