"""Forms of networks that no other test exports, very small: both engines answer the same.

To export every preset would take minutes; ``models/test_info.py`` runs the steps of each.
"""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from tracker_ros import load_tracker  # noqa: E402
from tracker_ros.engines.models.export import export_model  # noqa: E402
from tracker_ros.engines.models.files import ModelFiles  # noqa: E402
from tracker_ros.engines.models.store import save_network  # noqa: E402
from tracker_ros.networks.build import build  # noqa: E402
from tracker_ros.networks.presets import PRESETS  # noqa: E402

HEAD = {"channels": 16, "head_channels": 16, "head_depth": 1}
TRUNK = {"widths": (8, 8, 16, 16), "depths": (1, 1, 1)}
SIAMESE = {"channels": 16, "heads": 2, "ffn": 16, "layers": 1}
# By preset: sizes of the network, and of the crops.
FORMS = {
    "stif_tiny": (HEAD, {"query_size": 64, "memory_size": 64}),
    "dastsiam_released": ({**SIAMESE, **TRUNK}, {"query_size": 191, "memory_size": 95}),
}


@pytest.mark.parametrize("name", FORMS)
def test_both_engines_answer_the_same(name, clip, tmp_path):
    sizes, crops = FORMS[name]
    preset, (frames, box) = PRESETS[name], clip
    torch.manual_seed(0)
    network = build(preset.architecture, preset.network.to_dict() | sizes)
    # Untrained scores are so even that a window would leave several middles alike.
    every = {"memory_score": 0.0, "lost_score": 0.0, "tracking_score": 0.0, "window_influence": 0.9}
    tracking = replace(preset.tracking, **crops, **every)
    files = ModelFiles("small", tmp_path)
    save_network(files.weights, network, preset.architecture, tracking, {})
    export_model(files.weights, files.folder)
    answers = []
    for engine in ("torch", "onnx"):
        tracker = load_tracker(files.weights, engine=engine)
        tracker.init(frames[0], box)
        query = tracker.search(frames[1]).crop
        answers.append(tracker.engine.locate(query, tracker.state)[0])
    ours, theirs = answers
    np.testing.assert_allclose(ours.score, theirs.score, atol=1e-4)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-2)
