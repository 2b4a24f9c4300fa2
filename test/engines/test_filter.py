"""DASTM beside a filter: what torch computes and what the exported graphs compute is the same."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.engine import Look
from tracker_ros.core.errors import InputError, ModelError
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.engines.models.files import ModelFiles

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

CELLS = 12


@pytest.fixture(scope="module", params=["online", "none"])
def made(request, tmp_path_factory):
    """Files of a network with random weights, with and without its filter."""
    from tracker_ros.core.config import TrackingConfig
    from tracker_ros.engines.models.export import export_model
    from tracker_ros.engines.models.store import save_network
    from tracker_ros.networks.architectures.dastm_filter import DastmFilter, DastmFilterConfig

    torch.manual_seed(2)
    config = DastmFilterConfig(
        filter=request.param,
        # Both are exported; a graph that has only the chosen branch takes thrice as long to make.
        gate="hard" if request.param == "online" else "soft",
        refine=request.param == "online",
        search_cells=CELLS,
        memory_cells=8,
        channels=16,
        head_channels=16,
        head_depth=1,
    )
    tracking = TrackingConfig(
        query_size=8 * CELLS,
        memory_size=8 * CELLS,
        search_factor=3.0,
        scale_step=0.05,
        refine_place=0.5,
        refine_scale=0.2,
        refine_shape=0.2,
        window_influence=0.0,  # untrained scores are so even that a window leaves two middles alike
        size_rate=0.0,
        tracking_score=0.0,
        memory_score=0.0,
        lost_score=0.0,
    )
    files = ModelFiles("small", tmp_path_factory.mktemp(request.param))
    network = DastmFilter(config).eval()
    if network.refiner is not None:  # untrained, it would say nothing
        torch.nn.init.normal_(network.refiner.out.weight, std=0.03)
    save_network(files.weights, network, "dastm_filter", tracking, {})
    export_model(files.weights, files.folder)
    return files, request.param == "online"


def test_both_engines_agree_in_every_step(made, clip):
    """What is learned amplifies rounding, and a step to another scale is taken or not."""
    (files, filtered), (frames, box) = made, clip
    trackers = [load_tracker(files.weights, engine=engine) for engine in ("torch", "onnx")]
    for tracker in trackers:
        tracker.init(frames[0], box)
    search = trackers[0].search(frames[1])
    query = search.crop
    look = Look(query, 1.0) if filtered else None
    ours, theirs = (one.engine.locate(query, one.state, look)[0] for one in trackers)
    assert (ours.response is not None) == filtered
    np.testing.assert_allclose(ours.score, theirs.score, atol=0.05 if filtered else 1e-5)
    if filtered:
        np.testing.assert_allclose(ours.response, theirs.response, atol=0.02)
        assert ours.change == pytest.approx(theirs.change, abs=5e-3)
        assert ours.opinion == pytest.approx(theirs.opinion, abs=5e-3)
        assert ours.refined.box == pytest.approx(theirs.refined.box, abs=0.5)
        assert ours.refined.present == pytest.approx(theirs.refined.present, abs=0.02)
        sides = search.window.to_crop(box)[2:]
        assert ours.refined.box[2:] != pytest.approx(sides, abs=0.02)
    else:
        np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-3)
    for frame in frames[1:12]:
        one, other = (tracker.update(frame) for tracker in trackers)
        assert overlap(one.box, other.box) > (0.85 if filtered else 0.9999)
        assert one.state is other.state and one.gate.branch == other.gate.branch


def test_another_scale_and_the_query_itself_are_looked_at_alike(made, clip):
    """What ``other`` and a sample without a crop say is what the same crops say alone."""
    (files, filtered), (frames, box) = made, clip
    for engine in ("torch", "onnx"):
        tracker = load_tracker(files.weights, engine=engine)
        tracker.init(frames[0], box)
        query, other = (tracker.search(frame).crop for frame in frames[1:3])
        engine, state = tracker.engine, tracker.state
        look = Look(other, 0.9) if filtered else None
        prediction, after = engine.locate(query, state, look)
        assert engine.responds == filtered and (prediction.other is not None) == filtered
        if filtered:
            alone = engine.locate(other, state)[0].response
            assert np.abs(prediction.other - alone).max() < 1e-5
        told = (30.0, 32.0, 28.0, 26.0), 0.7
        reused, fresh = engine.remember(None, *told, after), engine.remember(query, *told, state)
        answers = [engine.locate(other, one)[0] for one in (reused, fresh)]
        assert np.abs(answers[0].score - answers[1].score).max() < 1e-5
        if filtered:  # the other look taught a scale, too
            assert np.abs(answers[0].response - answers[1].response).max() < 1e-5
        else:
            assert np.abs(answers[0].boxes - answers[1].boxes).max() < 1e-3


@pytest.mark.parametrize("made", ["online"], indirect=True)
def test_where_the_network_tells_another_place_that_is_compared(made, clip, monkeypatch):
    """Response, opinion and refined box are then of one place, and no other scale is better."""
    (files, _), (frames, box) = made, clip
    tracking = replace(load_tracker(files.weights, engine="onnx").config, opinion_place=0.5)
    tracker = load_tracker(files.weights, engine="onnx", tracking=tracking)
    tracker.init(frames[0], box)
    query, score = tracker.search(frames[1]).crop, np.zeros((CELLS, CELLS), np.float32)
    score[2, 9], matched = 3.0, type(tracker.engine)._match  # more than any response

    def match(self, levels, state, *others):
        _, *rest = matched(self, levels, state, *others)
        return [score, *rest]

    usual = tracker.engine.locate(query, tracker.state, Look(query, 1.0))[0]
    monkeypatch.setattr(type(tracker.engine), "_match", match)
    moved = tracker.engine.locate(query, tracker.state, Look(query, 1.0))[0]
    assert divmod(int(usual.response.argmax()), CELLS) != (2, 9)
    assert divmod(int(moved.response.argmax()), CELLS) == (2, 9)
    assert moved.opinion == 3.0 and np.abs(moved.score - usual.score).max() > 0.1
    assert moved.other.max() < moved.response.max()
    x, y, w, h = moved.refined.box
    assert np.hypot(x + w / 2 - 76, y + h / 2 - 20) < np.hypot(x + w / 2 - 48, y + h / 2 - 48)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_the_precision_answers_nearly_the_same(made, clip, precision):
    (files, filtered), (frames, box) = made, clip
    found = []
    for given in ("fp32", precision):
        tracker = load_tracker(files.weights, engine="torch", device="cpu", precision=given)
        tracker.init(frames[0], box)
        crop = tracker.search(frames[1]).crop
        look = Look(crop, 1.0) if filtered else None
        found.append(tracker.engine.locate(crop, tracker.state, look)[0])
    exact, half = found
    assert half.score.dtype == np.float32 and not np.array_equal(half.score, exact.score)
    if filtered:
        np.testing.assert_allclose(half.response, exact.response, atol=0.05)
        assert half.opinion == pytest.approx(exact.opinion, abs=0.02)
    else:
        np.testing.assert_allclose(half.score, exact.score, atol=0.02)
        np.testing.assert_allclose(half.boxes, exact.boxes, atol=0.02 * 8 * CELLS)


def test_a_trunk_in_8_bits_answers_nearly_the_same(made, clip, tmp_path):
    from tracker_ros.engines.models.quantise import quantise_trunk

    (files, filtered), (frames, box) = made, clip
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
    for name in ("response",) if filtered else ("score", "boxes"):
        one, other = (getattr(found, name).ravel() for found in (exact, coarse))
        assert not np.array_equal(one, other) and np.corrcoef(one, other)[0, 1] > 0.95
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


def test_boxes_are_refined_only_where_the_network_is_asked(made, clip):
    (files, filtered), (frames, box) = made, clip
    tracker = load_tracker(files.weights, engine="onnx")
    tracker.init(frames[0], box)
    crop = tracker.search(frames[1]).crop
    assert tracker.engine.locate(crop, tracker.state)[0].refined is None
    if filtered:
        thorough = tracker.engine.locate(crop, tracker.state, Look(crop, 1.0))[0]
        assert len(thorough.refined.box) == 4 and min(thorough.refined.box[2:]) > 0
        assert 0 < thorough.refined.present < 1


@pytest.mark.parametrize("made", ["online"], indirect=True)
def test_the_networks_own_box_is_as_large_as_the_user_draws_it(made, clip):
    """A part of what it said wrongly of the first view's size is off, and nothing of the place."""
    (files, _), (frames, box) = made, clip
    tracker = load_tracker(files.weights, engine="onnx")
    tracker.init(frames[0], box)
    state, query = tracker.state, tracker.search(frames[1]).crop
    blunt = replace(state, habit=(1.0, 1.0))
    (x, y, w, h), (left, top, wide, high) = (
        tracker.engine.locate(query, one, Look(query, 1.0))[0].refined.own for one in (state, blunt)
    )
    assert (w / wide, h / high) == pytest.approx(state.habit)
    assert (x + w / 2, y + h / 2) == pytest.approx((left + wide / 2, top + high / 2))
    assert max(abs(np.log(state.habit))) > 0.1


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("made", ["online"], indirect=True)
def test_no_step_of_the_network_puts_nonsense_into_a_box(made, clip, part, monkeypatch):
    """Score, own boxes, refined box and presence: none of them alone reaches what is followed."""
    (files, _), (frames, box) = made, clip
    tracker = load_tracker(files.weights, engine="onnx")
    tracker.init(frames[0], box)
    matched = type(tracker.engine)._match

    def match(self, *given):
        answers = matched(self, *given)
        answers[part] = np.full_like(answers[part], np.nan)
        return answers

    with monkeypatch.context() as patch:
        patch.setattr(type(tracker.engine), "_match", match)
        with pytest.raises(InputError, match="not finite"):
            for frame in frames[1:4]:  # the network is asked in one of two
                tracker.update(frame)
    assert np.isfinite(tracker.update(frames[4]).box).all()


def test_what_is_not_learned_online_refines_nothing():
    from tracker_ros.networks.architectures.dastm_filter import DastmFilter, DastmFilterConfig

    with pytest.raises(ValueError, match="refine needs what is learned online"):
        DastmFilter(DastmFilterConfig(filter="none", refine=True))


@pytest.mark.parametrize("made", ["online"], indirect=True)
def test_graphs_of_an_earlier_refiner_are_refused(made, tmp_path):
    """Their trunk gives nothing to compare, and their match takes it out of the features."""
    import onnx

    for name in ("safetensors", "trunk.onnx", "match.onnx", "learn.onnx"):
        shutil.copy(made[0].folder / f"small.{name}", tmp_path)
    trunk = onnx.load(tmp_path / "small.trunk.onnx")
    assert trunk.graph.output.pop().name == "embedded"
    del trunk.metadata_props[[part.key for part in trunk.metadata_props].index("seal")]
    onnx.save(trunk, tmp_path / "small.trunk.onnx")
    with pytest.raises(ModelError, match="does not give: 'embedded'; graphs of an earlier version"):
        load_tracker(tmp_path / "small.safetensors", engine="onnx")
