"""DASTM beside a filter: what torch computes and what the exported graphs compute is the same."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.weights import ModelFiles

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

CELLS = 12


@pytest.fixture(scope="module", params=["correlation", "none"])
def made(request, tmp_path_factory):
    """Files of a network with random weights, with and without its filter."""
    from tracker_ros.core.config import TrackingConfig
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.architectures.dastm_filter import DastmFilter, DastmFilterConfig

    torch.manual_seed(2)
    config = DastmFilterConfig(
        filter=request.param,
        search_cells=CELLS,
        memory_cells=8,
        target_cells=CELLS / 3,
        channels=16,
        head_channels=16,
        head_depth=1,
    )
    tracking = TrackingConfig(
        query_size=8 * CELLS,
        memory_size=8 * CELLS,
        search_factor=3.0,
        response_weight=0.75,
        response_centre=1.0,
        scale_step=0.05,
        size_rate=0.0,
        calibration=0.5,
        tracking_score=0.0,
        memory_score=0.0,
        lost_score=0.0,
    )
    files = ModelFiles("small", tmp_path_factory.mktemp(request.param))
    save_network(files.weights, DastmFilter(config).eval(), "dastm_filter", tracking, {})
    export_model(files.weights, files.folder)
    return files, request.param == "correlation"


def test_both_engines_agree_over_a_clip(made, clip):
    (files, filtered), (frames, box) = made, clip
    answers = []
    for engine in ("torch", "onnx"):
        tracker = load_tracker(files.weights, engine=engine)
        tracker.init(frames[0], box)
        prediction, _ = tracker.engine.locate(tracker.search(frames[1]).crop, tracker.state)
        assert (prediction.response is not None) == filtered
        answers.append([tracker.update(frame) for frame in frames[1:12]])
    for one, other in zip(*answers, strict=True):
        assert np.abs(np.subtract(one.box, other.box)).max() < 1e-3
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert one.gate.branch == other.gate.branch


def test_a_filter_follows_with_a_network_that_has_learned_nothing(made, clip):
    (files, filtered), (frames, box) = made, clip
    if not filtered:
        pytest.skip("there is no filter")
    tracker = load_tracker(files.weights, engine="onnx")
    # Weights are random: only what the filter says counts.
    alone = {"response_weight": 8.0, "window_influence": 0.0, "calibration": 0.0}
    tracker.config = tracker.engine.tracking = replace(tracker.config, **alone)
    tracker.init(frames[0], box)
    for step, frame in enumerate(frames[1:], 1):
        x, y, w, h = tracker.update(frame).box
        truth = 40 + 2 * step + 12, 50 + int(10 * np.sin(step / 4)) + 12
        assert abs(x + w / 2 - truth[0]) < 6 and abs(y + h / 2 - truth[1]) < 6
        assert 18 < w < 31


def test_another_scale_and_the_query_itself_are_looked_at_alike(made, clip):
    """What ``other`` and a sample without a crop say is what the same crops say alone."""
    (files, filtered), (frames, box) = made, clip
    for engine in ("torch", "onnx"):
        tracker = load_tracker(files.weights, engine=engine)
        tracker.init(frames[0], box)
        query, other = (tracker.search(frame).crop for frame in frames[1:3])
        engine, state = tracker.engine, tracker.state
        prediction, after = engine.locate(query, state, other if filtered else None)
        assert engine.responds == filtered and (prediction.other is not None) == filtered
        if filtered:
            alone = engine.locate(other, state)[0].response
            assert np.abs(prediction.other - alone).max() < 1e-5
        told = (30.0, 32.0, 28.0, 26.0), 0.7
        reused, fresh = engine.remember(None, *told, after), engine.remember(query, *told, state)
        answers = [engine.locate(other, one)[0] for one in (reused, fresh)]
        assert np.abs(answers[0].score - answers[1].score).max() < 1e-5
        assert np.abs(answers[0].boxes - answers[1].boxes).max() < 1e-3


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_the_precision_answers_nearly_the_same(made, clip, precision):
    (files, filtered), (frames, box) = made, clip
    found = []
    for given in ("fp32", precision):
        tracker = load_tracker(files.weights, engine="torch", device="cpu", precision=given)
        tracker.init(frames[0], box)
        crop = tracker.search(frames[1]).crop
        found.append(tracker.engine.locate(crop, tracker.state)[0])
    exact, half = found
    assert half.score.dtype == np.float32 and not np.array_equal(half.score, exact.score)
    np.testing.assert_allclose(half.score, exact.score, atol=0.02)
    np.testing.assert_allclose(half.boxes, exact.boxes, atol=0.02 * 8 * CELLS)
    if filtered:
        np.testing.assert_allclose(half.response, exact.response, atol=0.02)


def test_a_trunk_in_8_bits_answers_nearly_the_same(made, clip, tmp_path):
    from tracker_ros.engines.models.quantise import quantise_trunk

    (files, _), (frames, box) = made, clip
    for path in files.folder.iterdir():
        shutil.copy(path, tmp_path)
    small = ModelFiles("small", tmp_path)
    quantise_trunk(small, frames)
    assert small.graph("trunk").stat().st_size < 0.5 * files.graph("trunk").stat().st_size
    found = []
    for chosen in (files, small):
        tracker = load_tracker(chosen.graph("trunk"), engine="onnx")
        tracker.init(frames[0], box)
        found.append(tracker.engine.locate(tracker.search(frames[1]).crop, tracker.state)[0])
    assert tracker.engine.provider.endswith("trunk in int8")
    exact, coarse = found
    assert not np.array_equal(exact.boxes, coarse.boxes)
    assert np.corrcoef(exact.score.ravel(), coarse.score.ravel())[0, 1] > 0.95
    assert np.corrcoef(exact.boxes.ravel(), coarse.boxes.ravel())[0, 1] > 0.99
    with pytest.raises(ModelError, match="in 8 bits already"):
        quantise_trunk(small, frames)
    with pytest.raises(ModelError, match="has no shared trunk"):
        quantise_trunk(ModelFiles("other", tmp_path), frames)


def test_sizes_that_do_not_fit_are_told(made, tmp_path):
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import load_network, save_network

    network, facts = load_network(made[0].weights)
    from tracker_ros.core.config import TrackingConfig

    tracking = replace(TrackingConfig.from_dict(facts["tracking"]), query_size=160)
    save_network(tmp_path / "wrong.safetensors", network, "dastm_filter", tracking, {})
    with pytest.raises(ModelError, match="query_size is 160 pixels, but the network has 12 cells"):
        export_model(tmp_path / "wrong.safetensors", tmp_path)
