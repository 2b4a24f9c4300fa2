"""``tracker-ros train``: training by a paper's recipe, or a short one, and release."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from ...core.errors import ParameterError, require
from ...core.io.files import check_place
from ...core.io.locks import locked
from ...training.config import LossConfig, SamplingConfig, TrainingConfig
from ...training.options import add_options, given, refuse_idle
from ..common.arguments import (
    add_device,
    add_overrides,
    add_paths,
    file_name_argument,
    find_device,
    name_argument,
    preset_from,
)

# Options about a backbone that is frozen, which one that is not pre-trained never is.
FREEZING = ("frozen", "frozen_part", "frozen_stem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="+",
        type=name_argument,
        metavar="FOLDER | NAME:FOLDER[:WEIGHT]",
        help="folder of training shards (KIND-NUMBER.tar), or sets in their published layout: NAME"
        " is shards, coco, davis, det, got10k, lasot, otb, trackingnet, vid or youtube_bb, WEIGHT"
        " how often it is drawn (1)",
    )
    parser.add_argument(
        "--model", default="dastm", help="what to train: a preset's name (default: %(default)s)"
    )
    add_overrides(
        parser,
        {
            "--network": "another size or mode of the network, for example gate=soft",
            "--tracking": "another value of the tracker, for example query_size=128",
        },
    )
    parser.add_argument(
        "--recipe",
        choices=("paper", "paper-got10k", "short"),
        default="paper",
        help="where the options below start from: the paper's optimiser, schedule and sampling;"
        " the same for GOT-10k's rule, which allows no other set; or AdamW, a cosine and strong"
        " augmentation for minutes or hours (default: %(default)s)",
    )
    add_paths(
        parser,
        {
            "--backbone FILE": "a backbone of `tracker-ros convert`",
            "--start FILE": "start from what fits of another model (.safetensors) or run (last.pt)",
            "--out FOLDER": "checkpoints and logs; an existing run goes on (default: runs/MODEL)",
            "--validate FOLDER": "sequences with truth to score the weights on every"
            " --validate-every steps; the best are kept and released",
            "--preview PNG": "only write a contact sheet of what the network would see",
            "--cache FOLDER": "where indices of sets are kept (default: tracker_ros/clips in the"
            " user's cache)",
        },
    )
    parser.add_argument(
        "--name",
        type=file_name_argument,
        help="of the model that is written to the folder at the end (default: MODEL)",
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard's files to the folder too"
    )
    add_device(parser)
    for title, config in (
        ("training (defaults: the recipe's)", TrainingConfig),
        ("samples", SamplingConfig),
        ("losses", LossConfig),
    ):
        add_options(parser.add_argument_group(title), config)


def run(args: argparse.Namespace) -> int:
    from ...core.io.pictures import check_suffix
    from ...training.data.mixture import parse_spec
    from ...training.data.public import default_cache
    from ...training.loop import Trainer
    from ...training.recipes import recipe
    from ...training.records.checkpoint import check_file
    from ...training.release import release
    from ...training.samples.preview import PREVIEWED, write_contact_sheet
    from ...training.samples.sampling import Samples
    from ..common.outputs import check_folder, check_model_name, check_outputs
    from ..common.terminal import run_course

    design = preset_from(args, args.model)
    paper = recipe(design.architecture)
    config = _config(args, paper, design)
    if args.validate_every is not None and not args.validate:
        raise ParameterError("--validate-every is about --validate, which is missing")
    cache = args.cache or default_cache()
    out, name = args.out or Path("runs") / args.model, args.name or args.model
    target = out / f"{name}.safetensors"
    folders = [args.validate, *(parse_spec(text).folder for text in args.data)]
    files = [path for path in (args.backbone, args.start) if path]
    for path in files:
        check_file(path)
    read = [*files, *folders]
    if args.preview:
        check_outputs(read, {"--preview": args.preview})
        check_suffix(args.preview)
        check_place(args.preview)
        samples = Samples(args.data, design.tracking, config.sampling, config.seed, cache)
        write_contact_sheet([samples[index] for index in range(PREVIEWED)], args.preview)
        print(args.preview)
        return 0
    check_folder(folders, "--out", out)
    check_outputs(read, {"--name": target, "--out's last.pt": out / "last.pt"})
    check_model_name(target)
    require("matplotlib")
    trainer = Trainer(
        args.data,
        out,
        design,
        config,
        paper.loss,
        backbone=args.backbone,
        start=args.start,
        cache=cache,
        validate=args.validate,
        tensorboard=args.tensorboard,
    )
    _check_beginning(args, paper, trainer)
    if not trainer.ranks.leads:
        trainer.run(lambda line: None)
        return 0
    trainer.results = [target]
    run_course(trainer)
    with locked(out, wait=False):
        written = release(out / ("best.pt" if args.validate else "last.pt"), target)
    for path in written:
        print(path)
    return 0


def _config(args: argparse.Namespace, paper, design) -> TrainingConfig:
    """The values of the recipe that is asked for, and what the options say instead."""
    from ...training.data import mixture
    from ...training.recipes import idle, short

    config = short(paper.training) if args.recipe == "short" else paper.training
    if args.recipe == "paper-got10k":
        config = _got10k(args, paper)
    made = replace(
        given(args, config),
        device=find_device(args.device),
        losses=given(args, config.losses),
        sampling=given(args, config.sampling),
    )
    unread = idle(design)
    refuse_idle(args, config.losses, unread)
    refuse_idle(args, config.sampling, unread | dict(mixture.idle(args.data, made.sampling)))
    return made


def _check_beginning(args: argparse.Namespace, paper, trainer) -> None:
    """Say what --start, --backbone and what is about a pre-trained backbone come to.

    Raises ParameterError for an option by which it would be trained otherwise than is asked for.
    """
    from ...training.optimisation.optimisers import backbones, stem

    config, tensors = trainer.config, len(trainer.model.state_dict())
    if args.start and trainer.started < tensors:
        logging.warning("--start gives %d of the network's %d tensors", trainer.started, tensors)
    if not trainer.pretrained:
        reason = "neither --backbone nor --start gives the whole backbone"
        refuse_idle(args, TrainingConfig(), dict.fromkeys(FREEZING, reason))
        if args.recipe != "short" and paper.pretrained:
            logging.warning(
                "this recipe's backbone was trained on %s before; without --backbone, which"
                " `tracker-ros convert` makes, it starts from noise, nothing is frozen, and the"
                " result is another",
                paper.pretrained,
            )
    elif args.frozen_stem and not any(map(stem, backbones(trainer.model))):
        raise ParameterError("--frozen-stem has no effect: this backbone has no stem")
    elif args.backbone_rate and config.frozen == 1 and config.frozen_part == "all":
        raise ParameterError("--backbone-rate has no effect: --frozen is 1")
    if args.backbone and trainer.pretrained == "--start":
        logging.warning("--backbone has no effect: --start gives the whole backbone, too")


def _got10k(args: argparse.Namespace, paper):
    """The training for GOT-10k's rule. Raises ParameterError where there is none, or other data."""
    if paper.got10k is None:
        raise ParameterError(f"--recipe paper-got10k: {args.model}'s paper prints none")
    if strange := [text for text in args.data if not text.startswith("got10k:")]:
        raise ParameterError(
            f"--recipe paper-got10k trains on got10k:FOLDER alone, not on {strange[0]}"
        )
    return paper.got10k
