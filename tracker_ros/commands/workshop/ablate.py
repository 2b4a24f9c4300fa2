"""``tracker-ros ablate``: the papers' ablations on your data."""

import argparse

# What only a training is about.
TRAINING = ("seeds", "init", "backbone", "cache", "network", "tracking", "steps", "batch", "rate",
            "frozen_norms", "workers")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ...training.options import read_number, read_whole
    from ..common.arguments import (
        add_counts,
        add_device,
        add_overrides,
        add_paths,
        name_argument,
        names,
        numbers,
    )

    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="as of `tracker-ros train`; without any nothing is trained: parts of --model's own"
        " weights are switched off in turn (attention, memory, filter)",
    )
    add_paths(
        parser,
        {
            "--validate FOLDER": "sequences to score on",
            "--out FOLDER": "for runs and tables; runs that are there already are continued",
        },
        required=True,
    )
    parser.add_argument(
        "--variants",
        type=names,
        default=(),
        metavar="NAME,…",
        help="of DASTM modes of the gate, or hard@B: what the attention may cost, as a share of the"
        " dearest branch (default: skip,se,ca,cbam,se+ca,static,random,soft,hard,hard@0.5); of"
        " stmtrack, stif and dastsiam the rows of their papers' tables (default: all); without DATA"
        " whole, skip, se, ca, cbam, soft, random, first-read, first-learnt, first, network,"
        " network-first, filter, compared (default: all)",
    )
    parser.add_argument("--seeds", type=numbers, default=(0, 1, 2), metavar="N,…", help="(0,1,2)")
    add_paths(
        parser,
        {
            "--init FILE": "what every variant starts from: another model (.safetensors) or run"
            " (last.pt)",
            "--backbone FILE": "of `tracker-ros convert`",
            "--cache FOLDER": "as of `tracker-ros train`",
        },
    )
    parser.add_argument(
        "--model",
        type=name_argument,
        help="whose sizes all variants have (default: dastm_tiny), or whose weights (dastm)",
    )
    add_overrides(parser, dict.fromkeys(("--network", "--tracking"), "another value"))
    add_counts(
        parser,
        {
            "--starts": (1, "without DATA: score each sequence from N starts"),
            "--steps": (2000, "updates for each variant"),
            "--batch": (32, "samples an update"),
            "--random-tests": (3, "tests of a random gate, of which the mean counts"),
        },
    )
    text = "learning rate (default: the short recipe's)"
    parser.add_argument("--rate", type=read_number, help=text)
    parser.add_argument(
        "--frozen-norms",
        action="store_true",
        help="as of `tracker-ros train`, where --start is --init",
    )
    parser.add_argument("--workers", type=read_whole, help="data processes")
    add_device(parser)
    parser.set_defaults(default_of=parser.get_default)


def run(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from ...core.errors import ParameterError, require
    from ...networks.presets import preset
    from ...training.ablation.study import Plan, ablate
    from ...training.ablation.variants import STUDIES, study_of
    from ...training.data.mixture import parse_spec
    from ...training.data.public import default_cache
    from ...training.recipes import recipe, short
    from ..common.arguments import find_device, preset_from
    from ..common.outputs import check_folder

    # A path of DATA that was forgotten, most of all: nothing would be trained, and nothing said.
    without = ("starts",) if args.data else TRAINING
    if passed_over := [name for name in without if getattr(args, name) != args.default_of(name)]:
        option = "--" + passed_over[0].replace("_", "-")
        why = "weights as they are" if args.data else "training, for which DATA is missing"
        raise ParameterError(f"{option} is about {why}")
    read = [args.validate, *(parse_spec(one).folder for one in args.data)]
    check_folder(read, "--out", args.out)
    require("matplotlib")
    if not args.data:
        from ...training.ablation.switches import switch_off

        switch_off(
            args.model or "dastm",
            args.validate,
            args.out,
            args.variants,
            starts=args.starts,
            repeats=args.random_tests,
            device=find_device(args.device),
        )
        print((args.out / "ablation.md").read_text(encoding="utf-8"))
        return 0
    model = args.model or "dastm_tiny"
    architecture = preset(model).architecture
    if architecture not in (papers := ("dastm", *STUDIES)):
        raise ParameterError(
            f"--model is {model!r}: no paper's table is about {architecture}; there are"
            f" those of {', '.join(papers)}"
        )
    study = study_of(architecture, args.variants)
    varied = {name for variant in study.variants.values() for name in variant.network}
    if given := varied.intersection(text.partition("=")[0] for text in args.network):
        raise ParameterError(f"--network {min(given)} has no effect: the variants differ in it")
    design = preset_from(args, model)
    paper = recipe(design.architecture)
    names = ("rate", "workers", "frozen_norms", "steps", "batch")
    values = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    config = replace(short(paper.training), device=find_device(args.device), **values)
    plan = Plan(
        data=args.data,
        validate=args.validate,
        preset=design,
        config=config,
        loss=paper.loss,
        study=study,
        seeds=args.seeds,
        backbone=args.backbone,
        start=args.init,
        cache=args.cache or default_cache(),
        random_tests=args.random_tests,
    )
    ablate(plan, args.out)
    print((args.out / "ablation.md").read_text(encoding="utf-8"))
    return 0
