"""``tracker-ros ablate``: the papers' ablations on your data."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from .common.arguments import positive_int

    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="as of `tracker-ros train`; without any nothing is trained: parts of --model's own"
        " weights are switched off in turn (attention, memory, filter)",
    )
    parser.add_argument(
        "--validate", type=Path, required=True, metavar="FOLDER", help="sequences to score on"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="for runs and tables; runs that are there already are continued",
    )
    parser.add_argument(
        "--variants",
        type=lambda text: text.split(","),
        default=None,
        metavar="NAME,…",
        help="of DASTM modes of the gate, or hard@B: what the attention may cost, as a share of the"
        " dearest branch (default: skip,se,ca,cbam,se+ca,static,random,soft,hard,hard@0.5); of"
        " stmtrack, stif and dastsiam the rows of their papers' tables (default: all); without DATA"
        " whole, skip, se, ca, cbam, soft, random, first-read, first-learnt, first, network,"
        " network-first, filter (default: all)",
    )
    parser.add_argument("--seeds", type=_numbers, default=(0, 1, 2), metavar="N,…", help="(0,1,2)")
    parser.add_argument(
        "--init",
        type=Path,
        metavar="FILE",
        help="what every variant starts from: another model (.safetensors) or run (last.pt)",
    )
    parser.add_argument("--backbone", type=Path, metavar="FILE", help="of `tracker-ros convert`")
    parser.add_argument(
        "--model",
        help="whose sizes all variants have (default: dastm_tiny), or whose weights (dastm)",
    )
    parser.add_argument(
        "--starts",
        type=positive_int,
        default=1,
        metavar="N",
        help="without DATA: score each sequence from N starts (default: %(default)s)",
    )
    for name in ("network", "tracking"):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar="NAME=VALUE", help="another value"
        )
    for name, default, text in (
        ("steps", 2000, "updates for each variant"),
        ("batch", 32, "samples an update"),
        ("random-tests", 3, "tests of a random gate, of which the mean counts"),
    ):
        parser.add_argument(
            f"--{name}", type=positive_int, default=default, help=f"{text} (default: %(default)s)"
        )
    parser.add_argument("--rate", type=float, help="learning rate (default: the short recipe's)")
    parser.add_argument(
        "--frozen-norms",
        action="store_true",
        help="as of `tracker-ros train`, where --start is --init",
    )
    parser.add_argument("--workers", type=int, help="data processes")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N (default: %(default)s)")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="as of `tracker-ros train`")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = (-1,)
    if min(found) < 0 or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of different numbers from 0 up")
    return found


def run(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from ..core.errors import ParameterError
    from ..networks.presets import preset
    from ..training.ablation.papers import STUDIES
    from ..training.ablation.study import VARIANTS, Plan, Variant, ablate
    from ..training.data.public import default_cache
    from ..training.options import overridden
    from ..training.recipes import recipe, short
    from .train import find_device

    if not args.data:
        from ..training.ablation.switches import switch_off

        switch_off(
            args.model or "dastm",
            args.validate,
            args.out,
            args.variants or (),
            starts=args.starts,
            repeats=args.random_tests,
            device=find_device(args.device),
        )
        print((args.out / "ablation.md").read_text())
        return 0
    model = args.model or "dastm_tiny"
    design = preset(model)
    gated = design.architecture == "dastm"
    if not gated and design.architecture not in STUDIES:
        raise ParameterError(
            f"--model is {model!r}: no paper's table is about {design.architecture}; there are"
            f" those of dastm, {', '.join(STUDIES)}"
        )
    names = dict.fromkeys(args.variants or ())
    if gated:
        variants = tuple(map(Variant.parse, names or VARIANTS))
    else:
        parts = STUDIES[design.architecture].variants
        if unknown := [name for name in names if name not in parts]:
            raise ParameterError(f"variant {unknown[0]!r} is none of {', '.join(parts)}")
        variants = tuple(parts[name] for name in names or parts)
    design = design._replace(
        network=overridden(design.network, args.network, "--network"),
        tracking=overridden(design.tracking, args.tracking, "--tracking"),
    )
    paper = recipe(design.architecture)
    values = {"rate": args.rate, "workers": args.workers, "frozen_norms": args.frozen_norms}
    values = {name: value for name, value in values.items() if value is not None}
    config = replace(
        short(paper.training),
        steps=args.steps,
        batch=args.batch,
        device=find_device(args.device),
        **values,
    )
    plan = Plan(
        data=args.data,
        validate=args.validate,
        preset=design,
        config=config,
        loss=paper.loss,
        variants=variants,
        seeds=args.seeds,
        backbone=args.backbone,
        start=args.init,
        cache=args.cache or default_cache(),
        random_tests=args.random_tests,
    )
    ablate(plan, args.out)
    print((args.out / "ablation.md").read_text())
    return 0
