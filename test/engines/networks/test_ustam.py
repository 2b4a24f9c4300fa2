"""USTAM through the engines: its carried map and its templates."""

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.files import ModelFiles

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

FOLLOW_ANYTHING = TrackingConfig(
    query_size=64,
    memory_size=32,
    search_factor=4.0,
    memory_capacity=2,
    window_influence=0.0,
    penalty=0.0,
    memory_score=0.0,
    tracking_score=0.0,
    lost_score=0.0,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.architectures.ustam import Ustam, UstamConfig

    torch.manual_seed(0)
    network = Ustam(
        UstamConfig(
            channels=32,
            depth=2,
            heads=2,
            query_size=64,
            template_size=32,
            patch=8,
            head_channels=16,
        )
    )
    torch.nn.init.normal_(network.spatial.weight)
    files = ModelFiles("tiny", tmp_path_factory.mktemp("ustam"))
    save_network(files.weights, network, "ustam", FOLLOW_ANYTHING, {"data": "none"})
    export_model(files.weights, files.folder)
    return files


def test_both_engines_agree_over_a_clip(files, clip):
    frames, box = clip
    boxes = []
    for engine in ("torch", "onnx"):
        tracker = load_tracker(files.weights, engine=engine)
        tracker.init(frames[0], box)
        results = [tracker.update(frame) for frame in frames[1:]]
        assert tracker.memory_size == 2 and all(result.gate is None for result in results)
        boxes.append([result.box for result in results])
    np.testing.assert_allclose(*boxes, atol=1e-3)
    assert np.abs(np.diff(boxes[0], axis=0)).max() > 0.1


def test_the_map_is_carried_and_the_state_is_never_changed_in_place(files, clip):
    frames, _ = clip
    engine = load_tracker(files.weights, engine="onnx").engine
    query = np.ascontiguousarray(frames[0][:64, :64])
    state = engine.start(np.ascontiguousarray(query[:32, :32]), (8, 8, 16, 16))
    assert not state.arrays["past"].any()
    first, after = engine.locate(query, state)
    assert not state.arrays["past"].any() and after.arrays["past"].any()
    again, _ = engine.locate(query, state)
    later, _ = engine.locate(query, after)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert np.abs(first.boxes - later.boxes).max() > 0


def test_a_missing_start_graph_is_named(files, tmp_path):
    for path in files.folder.iterdir():
        if ".start." not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ModelError, match=r"tiny\.start\.onnx does not exist"):
        load_tracker(tmp_path / "tiny.locate.onnx")
