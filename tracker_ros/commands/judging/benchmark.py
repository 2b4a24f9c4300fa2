"""``tracker-ros benchmark``: speed and memory of our engines and of OpenCV's trackers."""

import argparse
import logging
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ...core.config import ENGINES, PRECISIONS
from ...core.errors import InputError, ModelError, require
from ...core.io.files import check_place, write_json
from ..common.arguments import Once, add_paths, box_argument, names, positive_int
from ..common.outputs import check_outputs, model_files
from ..common.terminal import print_table, progress_bar

logger = logging.getLogger(__name__)

CLASSIC = ("csrt", "kcf", "mil")
PARTS = ("trackers", "node", "sweeps")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source", help="video, folder or bag with truth; default: the demo's synthetic clip"
    )
    parser.add_argument(
        "--box", type=box_argument, action=Once, metavar="X,Y,W,H", help="its target"
    )
    text = "how many of its frames, more than 50 (%(default)s)"
    parser.add_argument("--frames", type=positive_int, default=200, metavar="N", help=text)
    parser.add_argument(
        "--model",
        type=names,
        default=("dastm",),
        metavar="NAME,…",
        help="shipped names or weights files; the node and what grows use the first (dastm)",
    )
    parser.add_argument(
        "--engine", choices=ENGINES[1:], help="only this one (onnx and torch, where they are here)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="fp32", help="of torch and TensorRT (fp32)"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME:FILES",
        help="beside csrt, kcf and mil: mosse, nano:BACKBONE,HEAD or vit:MODEL, your ONNX files",
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=PARTS,
        help="trackers by stage; through the node, over DDS; as things grow (all)",
    )
    parser.add_argument("--full", action="store_true", help="sequences of up to 100,000 frames")
    texts = {"--json PATH": "write the results as JSON", "--plot PATH": "draw the results as PNG"}
    add_paths(parser, texts)


def run(args: argparse.Namespace) -> int:
    from ...evaluation import hardware
    from ...evaluation.speed import tables, timing
    from ...evaluation.speed.receive import receive

    _refuse_unused(args)
    read = [args.source, *(path for name in args.model for path in model_files(name))]
    check_outputs(read, {"--json": args.json, "--plot": args.plot})
    if args.plot and args.plot.suffix.lower() != ".png":
        raise InputError(f"--plot is {args.plot}, but what is drawn is a PNG: end it in .png")
    if args.plot:
        require("matplotlib")
    for path in filter(None, (args.json, args.plot)):
        check_place(path)
    images, box = _clip(args)
    if len(images) <= 2 * timing.BLOCK:
        raise InputError(
            f"a benchmark needs more than {2 * timing.BLOCK} frames, but has {len(images)}"
        )
    if len(images) < args.frames:
        logger.warning("%s ends after %d of %d frames", args.source, len(images), args.frames)
    through_node = "node" in args.parts and _ros_is_here()
    if through_node:
        from ...replay import session

        session.check(_node_options(args))
    ours = _ours(args)
    report = {
        "hardware": hardware.describe(),
        "source": args.source or "demo clip",
        "picture": list(images[0].shape[1::-1]),
    }
    with progress_bar() as bar:
        if "trackers" in args.parts:
            report["trackers"] = _trackers(args, ours, images, box, bar)
            report["receive"] = receive(images)
        if through_node:
            report["node"] = _node(args, images, box, bar)
        if "sweeps" in args.parts:
            asked = (make for make in ours.values() if make.keywords["precision"] == args.precision)
            report["sweeps"] = _sweeps(args, next(asked)(), images, box, bar)
    for headings, rows in tables.tables(report):
        print_table(headings, rows)
    if args.json:
        write_json(args.json, report)
    if args.plot:
        from ...evaluation.speed.plot import draw

        draw(report, args.plot)
    return 0


def _refuse_unused(args: argparse.Namespace) -> None:
    """Raise InputError for an option, or a part of one, that would be passed over."""
    if len({*args.parts}) < len(args.parts):
        raise InputError(f"--parts {' '.join(args.parts)} names one of them twice")
    for option, given, part in (
        ("--peer", args.peer, "trackers"),
        ("--full", args.full, "sweeps"),
    ):
        if given and part not in args.parts:
            raise InputError(f"{option} is about the part {part!r}, which --parts leaves out")
    if args.engine == "onnx" and args.precision != "fp32":
        raise InputError(f"--precision is {args.precision!r}, but the graphs of onnx are fp32")


def _clip(args: argparse.Namespace) -> tuple[list, tuple[float, float, float, float]]:
    """The first ``--frames`` pictures and the box to start from."""
    if args.source is None and args.box:
        raise InputError("--box is about your own clip, but no --source is given")
    if args.source is None:
        from ...datasets.synthetic.clip import FRAMES, SyntheticClip

        if args.frames > FRAMES:
            raise InputError(
                f"--frames is {args.frames}, but the synthetic clip ends after {FRAMES}"
            )
        clip = SyntheticClip(args.frames)
        return [clip.render(i) for i in range(clip.length)], clip.truth(0)

    from ...sources import open_source
    from ..common.frames import tracked_frames

    with open_source(args.source) as source:
        frames = list(tracked_frames(source, args.box and [args.box], args.frames))
    (box,) = frames[0][1]
    return [frame.image for frame, _ in frames], box


def _ours(args: argparse.Namespace) -> dict[str, partial]:
    """What makes our trackers on every engine that is installed and that a model has files for."""
    from ...engines import load_tracker
    from ...engines.models.files import find_model

    makers = {}
    for model in args.model:
        files = find_model(model)
        engines = {
            "onnx": files.has_graphs and find_spec("onnxruntime"),
            "torch": files.has_weights and find_spec("torch"),
        }
        usable = [engine for engine, usable in engines.items() if usable]
        if not (usable or args.engine):
            raise ModelError(f"no engine is installed that runs the files of model {model!r}")
        if args.precision != "fp32" and not (args.engine or "torch" in usable):
            raise InputError(
                f"--precision is {args.precision!r}, but of model {model!r} only the graphs of"
                " onnx can be run, which are fp32"
            )
        for engine in [args.engine] if args.engine else usable:
            precision = "fp32" if engine == "onnx" else args.precision
            name = f"{files.name} {engine}" + (f" {precision}" if precision != "fp32" else "")
            if name in makers:
                raise InputError(f"--model names two of the name {files.name!r}")
            makers[name] = partial(
                load_tracker, model, engine=engine, device=args.device, precision=precision
            )
    return makers


def _trackers(args, ours: dict, images, box, bar) -> dict[str, dict]:
    from ...evaluation.peers import Peer, parse_peers
    from ...evaluation.speed.footprint import footprints
    from ...evaluation.speed.timing import measure

    peers = [*CLASSIC, *(peer for text in args.peer for peer in parse_peers(text))]
    makers = dict(ours)
    for text in peers:
        name = Peer(text).name
        if name in makers:
            raise InputError(f"--peer names two of the name {name!r}")
        makers[name] = partial(Peer, text)
    trackers = {name: make() for name, make in makers.items()}
    task = bar.add_task("trackers in turn", total=len(images) * len(trackers))
    results = measure(trackers, images, box, lambda: bar.advance(task))
    memory = footprints(makers, images, box)
    for name, result in results.items():
        # Of means: a median would forget the frames that are memorised, where few are.
        result["speed_over_csrt"] = result["fps"] / results["csrt"]["fps"]
        saving = results["csrt"]["processor_ms"] / result["processor_ms"]
        result["speed_over_csrt_by_processor_time"] = saving
        result |= memory[name]
        result["provider"] = trackers[name].engine.provider if name in ours else "OpenCV"
    return results


def _ros_is_here() -> bool:
    here = find_spec("rclpy") is not None
    if not here:
        print("The node is left out: it needs the Python package 'rclpy', which is not here.")
    return here


def _node_options(args: argparse.Namespace) -> dict[str, object]:
    options = {"model": args.model[0], "device": args.device, "precision": args.precision}
    return options | ({"engine": args.engine} if args.engine else {})


def _node(args, images, box, bar) -> dict[str, dict]:
    from ...replay.rates import RATES, through_node

    task = bar.add_task("through the node", total=len(RATES))
    with tempfile.TemporaryDirectory() as folder:
        advance = partial(bar.advance, task)
        return through_node(images, box, _node_options(args), Path(folder), advance)


def _sweeps(args, tracker, images, box, bar) -> dict[str, list]:
    from ...evaluation.speed import sweeps

    lengths = sweeps.FULL_LENGTHS if args.full else sweeps.LENGTHS
    found = {}
    task = bar.add_task("as things grow", total=len(sweeps.SWEEPS))
    for name, sweep in sweeps.SWEEPS.items():
        given = (lengths,) if sweep is sweeps.sequence_lengths else ()
        found[name] = sweep(tracker, images, box, *given)
        bar.advance(task)
    return found
