"""One-pass evaluation of the averaged weights while they are trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from ..engines import network_tracker
from ..evaluation.metrics import precision, success_auc
from ..evaluation.runner import run_sequence
from ..evaluation.sequences import find_sequences
from ..networks.build import build
from ..networks.presets import Preset
from .log import TrainingLog


class Validation:
    """Scores weights with the real tracker on sequences with truth.

    Args:
        folder: a sequence or a folder of sequences in OTB layout.
    Attributes:
        best: ``step`` and ``auc`` of the best so far, None before the first.
    Raises:
        SourceError: there are no sequences.
    """

    def __init__(self, preset: Preset, folder: str | Path, device: str):
        self.preset, self.device = preset, device
        self.sequences = find_sequences(Path(folder))
        self.best: dict | None = None

    def score(self, state: dict[str, Tensor], step: int, progress: float, log: TrainingLog) -> bool:
        """Evaluate weights and log the scores; are they the best so far?"""
        architecture, network, tracking = self.preset
        model = build(architecture, network.to_dict())
        model.load_state_dict(state)
        tracker = network_tracker(model, architecture, tracking, self.device)
        aucs, precisions = [], []
        for sequence in self.sequences:
            boxes = run_sequence(tracker, sequence).boxes
            aucs.append(success_auc(boxes, sequence.truth))
            precisions.append(precision(boxes, sequence.truth))
        scores = {"auc": float(np.mean(aucs)), "precision": float(np.mean(precisions))}
        log.validated(step, progress, scores)
        if self.best is not None and scores["auc"] <= self.best["auc"]:
            return False
        self.best = {"step": step, "auc": scores["auc"]}
        return True
