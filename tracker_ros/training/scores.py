"""Scores of trained weights, by real one-pass tracking."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..core.engine import Engine
from ..core.gate import BRANCHES
from ..core.tracker import Tracker
from ..engines import network_tracker
from ..evaluation.one_pass import run_sequence
from ..evaluation.protocols import Protocol
from ..evaluation.restarts import restarts
from ..evaluation.results import SequenceResult, speed
from ..networks.build import build
from ..networks.presets import Preset
from ..sources.sequences import find_sequences

MEASURES = Protocol("OTB's and GOT-10k's measures", ("auc", "precision", "ao", "sr50", "sr75"))


def score_weights(
    weights: dict[str, Tensor],
    preset: Preset,
    folder: Path,
    device: str,
    repeats: int = 1,
    *,
    starts: int = 1,
    change: Callable[[Engine], Engine] = lambda engine: engine,
) -> dict:
    """Means over the sequences in ``folder`` and over ``repeats`` runs with other chance.

    Returns auc, precision (20 px), ao (mean IoU), sr50 and sr75 (share of frames with an IoU
    above), fps, auc_of (each sequence's), parameters, tests, on a GPU peak_bytes, and of a network
    with a gate share_skip … share_cbam (how often each branch was computed for a frame's memory)
    and high_computation (that of CBAM).

    Args:
        weights: all that a network of ``preset`` needs; more is left out. starts: of each sequence,
            see ``evaluation.restarts``. change: the engine that tracks instead.
    """
    architecture, config, tracking = preset
    network = build(architecture, config.to_dict())
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    place = torch.device(device)
    if place.type == "cuda":
        torch.cuda.reset_peak_memory_stats(place)
    tracker = Tracker(change(network_tracker(network, architecture, tracking, device).engine))
    runs = [run for one in find_sequences(folder) for run in restarts(one, starts)]
    results = []
    for number in range(repeats):
        torch.manual_seed(number)
        results += [run_sequence(tracker, one) for one in runs]
    scores = _means(results) | {"tests": repeats}
    if place.type == "cuda":
        scores["peak_bytes"] = torch.cuda.max_memory_allocated(place)
    if hasattr(config, "gate"):
        shares = dict(zip(BRANCHES, _shares(results, network), strict=True))
        scores |= {f"share_{name}": share for name, share in shares.items()}
        scores |= {"high_computation": shares["cbam"]}
    return scores | {"parameters": sum(p.numel() for p in network.parameters())}


def _means(results: list[SequenceResult]) -> dict:
    """MEASURES and fps over all runs; a sequence may have several."""
    auc: dict[str, list[float]] = {}
    for result in results:
        auc.setdefault(result.sequence, []).append(MEASURES.score(result)["auc"])
    auc_of = {name: float(np.mean(values)) for name, values in auc.items()}
    return MEASURES.overall(results) | {"fps": speed(results), "auc_of": auc_of}


def _shares(results: list[SequenceResult], network: nn.Module) -> list[float]:
    """How often each branch was computed: the sum is more than 1 where several are added."""
    if network.config.gate in ("hard", "random"):
        chosen = np.concatenate([result.branches for result in results])
        chosen = chosen[chosen >= 0]
        return (np.bincount(chosen, minlength=len(BRANCHES)) / max(len(chosen), 1)).tolist()
    computed = network.attention.branches
    return [float(name in computed or name == network.config.gate) for name in BRANCHES]
