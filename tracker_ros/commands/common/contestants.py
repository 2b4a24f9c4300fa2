"""The trackers that an evaluation compares: ours and peers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import InputError
from .arguments import add_overrides, tracker_options, tracker_options_given, tracking_from

if TYPE_CHECKING:  # it imports NumPy, for which help must not wait
    from ...core.trackable import Trackable


@dataclass(frozen=True)
class Contestant:
    """make: makes a tracker; picklable. tracker: the one made to try it out.

    about: its entry in ``Evaluation.trackers``.
    """

    make: Callable[[], Trackable]
    tracker: Trackable
    about: dict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options for ``contestants``, besides ``arguments.add_tracker_arguments``."""
    parser.add_argument(
        "--peer",
        type=_peers,
        action="extend",
        default=[],
        metavar="NAME,…",
        help="OpenCV's trackers to run beside ours: csrt, kcf, mil, mosse, nano:BACKBONE,HEAD or"
        " vit:MODEL with your ONNX files; may be given several times",
    )
    parser.add_argument(
        "--paper",
        action="store_true",
        help="run a paper's network, which dastm is not, as its paper did: no LOST, no window that"
        " waits, the memory's and the decoding's values of its release for this set",
    )
    text = "another value of our tracker, for example lost_score=0; after --paper"
    add_overrides(parser, {"--tracking": text})
    parser.add_argument("--peers-only", action="store_true", help="leave our tracker out")


def _peers(text: str) -> list[str]:
    from ...evaluation.peers import parse_peers

    return parse_peers(text)


def changes(args: argparse.Namespace) -> list[str]:
    """The options given that change how our tracker tracks, as they are written."""
    return ["--paper"] * args.paper + ["--tracking"] * bool(args.tracking)


def contestants(args: argparse.Namespace, threads: int, device: str) -> dict[str, Contestant]:
    """What the options ask for, each tried out once; threads: of each tracker, on the CPU.

    Raises ModelError, InputError for what cannot run and for a name that appears twice.
    """
    ours = changes(args) + tracker_options_given(args)
    if args.peers_only and ours:
        raise InputError(f"{ours[0]} is about our tracker, but --peers-only leaves it out")
    found = [] if args.peers_only else [_ours(args, threads, device)]
    found += [_peer(text, threads) for text in args.peer]
    if not found:
        raise InputError("--peers-only needs at least one --peer")
    names = [name for name, _ in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several trackers have the name {twice[0]!r}")
    return dict(found)


def _ours(args: argparse.Namespace, threads: int, device: str) -> tuple[str, Contestant]:
    from ...engines.models.files import find_model

    make = partial(load_ours, threads, **(tracker_options(args) | {"device": device}))
    tracker = make()
    tracking = _tracking(args, tracker.engine.facts)
    if tracking is not None:
        make = partial(make, tracking=tracking)
        tracker = make()
    engine = tracker.engine
    files = find_model(args.model)
    suffix = ".onnx" if engine.provider.startswith("onnx") else ".safetensors"
    used = (p for p in files.folder.glob(f"{files.name}.*") if p.suffix == suffix)
    # Which of several GPUs it was does not matter.
    settings = {"provider": engine.provider.partition(":")[0], "files": _digests(used)}
    if tracking is not None:
        settings["tracking"] = tracking.to_dict()
    return files.name, Contestant(make, tracker, {"settings": settings, "facts": engine.facts})


def _tracking(args: argparse.Namespace, facts: dict):
    """What --paper and --tracking make of the model's own tracking config; None without them."""
    from ...core.config import TrackingConfig
    from ...evaluation.paper import paper_tracking

    if not changes(args):
        return None
    tracking = TrackingConfig.from_dict(facts["tracking"])
    if args.paper:
        tracking = paper_tracking(facts["architecture"], args.dataset, tracking)
    return tracking_from(args, tracking, facts["architecture"], facts["network"])


def load_ours(threads: int, **options):
    """Our tracker with so many threads on the CPU; options and errors are ``load_tracker``'s.

    torch has one in any case: the last bits of its sums depend on their number.
    """
    import cv2

    from ...engines import load_tracker

    cv2.setNumThreads(threads)
    tracker = load_tracker(threads=threads, **options)
    if tracker.engine.provider.startswith("torch"):
        import torch

        torch.set_num_threads(1)
    return tracker


def _peer(text: str, threads: int) -> tuple[str, Contestant]:
    import cv2

    make = partial(load_peer, text, threads)
    peer = make()
    settings = {"provider": f"OpenCV {cv2.__version__}", "files": _digests(peer.files)}
    return peer.name, Contestant(make, peer, {"settings": settings, "facts": None})


def load_peer(text: str, threads: int):
    """A peer with so many threads on the CPU. Raises as ``Peer`` does."""
    import cv2

    from ...evaluation.peers import Peer

    cv2.setNumThreads(threads)
    return Peer(text)


def _digests(paths) -> dict[str, str]:
    return {path.name: sha256(Path(path).read_bytes()).hexdigest() for path in sorted(paths)}
