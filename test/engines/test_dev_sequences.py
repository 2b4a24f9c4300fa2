"""The shipped models on real sequences, through both engines."""

from pathlib import Path

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.core.io.paths import share_dir
from tracker_ros.evaluation.metrics import success_auc
from tracker_ros.evaluation.one_pass import run_sequence
from tracker_ros.sources.sequences import open_sequence

DEV = Path(__file__).parents[3] / "shared" / "data" / "dev"
SEQUENCES = ("davis_libby", "otb_Deer", "uav_wakeboard7")  # the shortest
FLOOR = 0.5  # mean success AUC; over all twenty-five sequences .67

pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["dastm", "dastm_nano"])
def test_a_shipped_model_tracks_alike_through_both_engines(name):
    if not (share_dir() / "models" / f"{name}.safetensors").is_file():
        pytest.skip("no weights are shipped")
    if not all((DEV / sequence).is_dir() for sequence in SEQUENCES):
        pytest.skip("the development sequences are not here")
    trackers = [load_tracker(name, engine=engine, device="cpu") for engine in ("torch", "onnx")]
    overlaps = []
    for sequence in map(open_sequence, (DEV / folder for folder in SEQUENCES)):
        ours, theirs = (run_sequence(tracker, sequence) for tracker in trackers)
        # Decisions on the scale differ now and then, since what is learned amplifies rounding.
        alike = [overlap(*pair) for pair in zip(ours.boxes, theirs.boxes, strict=True)]
        assert np.mean(alike) > 0.75, sequence.name
        overlaps.append(success_auc(ours.boxes, sequence.truth))
    assert np.mean(overlaps) > FLOOR
