"""One-pass evaluation of the averaged weights while they are trained."""

from pathlib import Path

import numpy as np
from torch import Tensor

from ..core.gate import BRANCHES
from ..engines import network_tracker
from ..evaluation.one_pass import run_sequence
from ..evaluation.protocols import PROTOCOLS
from ..networks.build import build
from ..networks.presets import Preset
from ..sources.sequences import find_sequences
from .records.log import TrainingLog


class Validation:
    """Scores weights with the real tracker on sequences with truth.

    Args:
        folder: a sequence or a folder of sequences in OTB layout.
    Raises:
        SourceError: there are no sequences.
    """

    def __init__(self, preset: Preset, folder: str | Path, device: str):
        self.preset, self.device = preset, device
        self.sequences = find_sequences(Path(folder))

    def score(
        self, state: dict[str, Tensor], step: int, progress: float, log: TrainingLog
    ) -> float:
        """Evaluate weights and log the scores; returns the mean success AUC."""
        architecture, network, tracking = self.preset
        model = build(architecture, network.to_dict())
        model.load_state_dict(state)
        tracker = network_tracker(model, architecture, tracking, self.device)
        results = [run_sequence(tracker, sequence) for sequence in self.sequences]
        scores = PROTOCOLS["otb"].overall(results)
        chosen = np.concatenate([result.branches for result in results])
        if (chosen >= 0).any():
            shares = np.bincount(chosen[chosen >= 0], minlength=len(BRANCHES)) / (chosen >= 0).sum()
            scores |= {f"chose_{name}": float(s) for name, s in zip(BRANCHES, shares, strict=True)}
        log.validated(step, progress, scores)
        return scores["auc"]
