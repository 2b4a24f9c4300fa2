"""Graphs of a model in float16 are little more than half as large, and answer as before."""

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.config import TrackingConfig
from tracker_ros.engines.models.files import ModelFiles, steps_of

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

CELLS = 12


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """Files of a network with random weights, stored as float16."""
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.architectures.dastm_filter import DastmFilter, DastmFilterConfig

    torch.manual_seed(4)
    network = DastmFilter(DastmFilterConfig(filter="none", search_cells=CELLS, memory_cells=8))
    side = 8 * CELLS
    tracking = TrackingConfig(query_size=side, memory_size=side, search_factor=3.0)
    files = ModelFiles("half", tmp_path_factory.mktemp("half"))
    save_network(files.weights, network, "dastm_filter", tracking, {}, half=True)
    export_model(files.weights, files.folder)
    return files


def halves(path):
    constants = onnx.load(path).graph.initializer
    return [each for each in constants if each.data_type == onnx.TensorProto.FLOAT16]


def casts(path):
    return sum(node.op_type == "Cast" for node in onnx.load(path).graph.node)


def test_graphs_of_a_float16_file_are_little_more_than_half_as_large(half):
    paths = [half.graph(step) for step in steps_of("dastm_filter")]
    size = sum(path.stat().st_size for path in paths)
    saved = sum(len(each.raw_data) for path in paths for each in halves(path))
    assert size < 0.62 * (size + saved)
    for path in paths:
        onnx.checker.check_model(path, full_check=True)


def test_graphs_of_a_float32_file_stay_in_it(exported):
    for step in steps_of("dastm"):
        assert not halves(exported.graph(step))


def test_the_runtime_folds_every_cast(half, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    for step in steps_of("dastm_filter"):
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = optimised = str(tmp_path / f"{step}.onnx")
        path = half.graph(step)
        runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        assert not halves(optimised)
        assert casts(optimised) == casts(path) - len(halves(path)) < casts(path)


def test_they_answer_as_torch_does(half, clip):
    frames, box = clip
    found = []
    for engine in ("torch", "onnx"):
        tracker = load_tracker(half.weights, engine=engine)
        tracker.init(frames[0], box)
        found.append(tracker.engine.locate(tracker.search(frames[1]).crop, tracker.state)[0])
    ours, theirs = found
    np.testing.assert_allclose(ours.score, theirs.score, atol=1e-5)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-3)
    assert np.ptp(ours.score) > 0
