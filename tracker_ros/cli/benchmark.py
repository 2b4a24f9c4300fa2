"""`tracker-ros benchmark`: speed of our engines and of OpenCV's trackers, in one run."""

import argparse
import math
from itertools import islice
from pathlib import Path

from tracker_ros.cli import common
from tracker_ros.core.errors import InputError

PEERS = ("csrt", "kcf", "mil")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source", help="video, folder or bag with truth; default: the demo's synthetic clip"
    )
    parser.add_argument("--box", type=common.parse_box, metavar="X,Y,W,H", help="its target")
    parser.add_argument("--frames", type=common.positive_int, default=200, metavar="N")
    parser.add_argument("--model", default="dastm", help="a shipped name or a weights file (dastm)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the results as JSON")


def run(args: argparse.Namespace) -> int:
    from tracker_ros.evaluation import hardware
    from tracker_ros.evaluation.benchmark import BLOCK, measure
    from tracker_ros.evaluation.peers import Peer

    images, box = _clip(args)
    if len(images) <= 2 * BLOCK:
        raise InputError(f"a benchmark needs more than {2 * BLOCK} frames, but has {len(images)}")
    trackers = _ours(args) | {name: Peer(name) for name in PEERS}
    with common.progress_bar() as bar:
        task = bar.add_task("benchmark", total=len(images) * len(trackers))
        results = measure(trackers, images, box, lambda: bar.advance(task))
    providers = {name: t.engine.provider for name, t in trackers.items() if name not in PEERS}
    baseline = results["csrt"]["ms"]["p50"]
    for result in results.values():
        result["speed_over_csrt"] = baseline / result["ms"]["p50"]
    _print(results, providers)
    if args.json:
        report = {
            "hardware": hardware.describe(),
            "source": args.source or "demo clip",
            "picture": list(images[0].shape[1::-1]),
            "providers": providers,
            "trackers": results,
        }
        common.write_json(args.json, report)
    return 0


def _clip(args: argparse.Namespace) -> tuple[list, tuple[float, float, float, float]]:
    """The first `--frames` pictures and the box to start from."""
    if args.source is None:
        from tracker_ros.demo.clip import Clip

        clip = Clip(args.frames)
        return [clip.render(i) for i in range(clip.length)], clip.truth(0)

    from tracker_ros.sources import open_source

    with open_source(args.source) as source:
        box = args.box or (source.truth or {}).get(0)
        if box is None or math.isnan(box[0]):
            raise InputError(f"{args.source} has no truth to start from; give --box x,y,w,h")
        return [frame.image for frame in islice(source, args.frames)], box


def _ours(args: argparse.Namespace) -> dict:
    """Our tracker on every engine that is installed and that the model has files for."""
    from importlib.util import find_spec

    from tracker_ros import load_tracker
    from tracker_ros.engines.weights import find_model

    files = find_model(args.model)
    engines = {
        "onnx": files.has_graphs and find_spec("onnxruntime"),
        "torch": files.has_weights and find_spec("torch"),
    }
    return {
        f"{files.name} {engine}": load_tracker(args.model, engine=engine, device=args.device)
        for engine, usable in engines.items()
        if usable
    }


def _print(results: dict[str, dict], providers: dict[str, str]) -> None:
    common.print_table(
        ("tracker", "speed over CSRT", "ms p50", "ms p99", "frames/s", "runs on"),
        (
            (
                name,
                f"{r['speed_over_csrt']:.2f}",
                f"{r['ms']['p50']:.2f}",
                f"{r['ms']['p99']:.2f}",
                f"{r['fps']:.0f}",
                providers.get(name, "OpenCV"),
            )
            for name, r in results.items()
        ),
    )
    common.print_table(
        ("stage", "share of p50", "ms p50", "ms p99"),
        (
            (
                f"{name}: {stage}",
                f"{ms['p50'] / r['ms']['p50']:.0%}",
                f"{ms['p50']:.2f}",
                f"{ms['p99']:.2f}",
            )
            for name, r in results.items()
            for stage, ms in r["stages"].items()
        ),
    )
