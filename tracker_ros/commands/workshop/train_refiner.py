"""``tracker-ros train-refiner``: a refiner of boxes on a model's frozen trunk, and the model."""

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

from ...core.io.locks import locked
from ...training.options import add_options, given
from ...training.refinement.config import RefinerConfig
from ..common.arguments import (
    add_device,
    add_paths,
    file_name_argument,
    find_device,
    path_argument,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=path_argument,
        metavar="FOLDER",
        help="training shards: tracks (video, video2, davis), objects in still pictures (voc,"
        " boxes, and masks, which are cut out, too), backgrounds (imagenet1k)",
    )
    parser.add_argument(
        "--model",
        default="dastm",
        help="whose trunk it looks through: a shipped name or a .safetensors file (%(default)s)",
    )
    add_paths(
        parser,
        {
            "--out FOLDER": "checkpoint, log, the model with its refiner; an existing run goes on"
            " (default: runs/NAME-refiner)"
        },
    )
    parser.add_argument(
        "--name",
        type=file_name_argument,
        help="of the model that is written (default: that of --model)",
    )
    parser.add_argument("--half", action="store_true", help="write it as float16")
    add_device(parser)
    add_options(parser.add_argument_group("training"), RefinerConfig)


def run(args: argparse.Namespace) -> int:
    from ...training.records.checkpoint import named
    from ...training.records.provenance import commit, data_names, hardware
    from ...training.refinement.loop import RefinerTrainer
    from ...training.refinement.release import Base
    from ...training.refinement.samples import RefinerSamples
    from ..common.outputs import check_folder, check_model_name, check_outputs
    from ..common.terminal import run_course

    config = replace(given(args, RefinerConfig()), device=find_device(args.device))
    base = Base(args.model, config.device)
    name = args.name or base.path.stem
    out = args.out or Path("runs") / f"{base.path.stem}-refiner"
    target = out / f"{name}.safetensors"
    check_folder([args.data], "--out", out)
    check_outputs([args.data, base.path], {"--name": target, "--out's last.pt": out / "last.pt"})
    check_model_name(target)
    samples = RefinerSamples(args.data, base.tracking, config.seed, length=sys.maxsize)
    held = RefinerSamples(args.data, base.tracking, config.seed, held=True, length=config.held)
    identity = {
        "data": data_names(args.data),
        "model": named(base.path),
        "trunk": base.digest,
        "tracking": {
            key: getattr(base.tracking, key) for key in ("query_size", "search_factor", "stride")
        },
    }
    refiner = base.refiner(config.seed, config.start)
    trainer = RefinerTrainer(samples, held, base.see, refiner, base.side, out, config, identity)
    trainer.results = [target]
    run_course(trainer)
    facts = {
        "data": identity["data"],
        "config": asdict(config),
        "validation": trainer.scores,
        "commit": commit(),
        "hardware": hardware(trainer.device),
    }
    with locked(out, wait=False):
        base.write(target, trainer.refiner, facts, args.half, config.keep)
    print(target)
    return 0
