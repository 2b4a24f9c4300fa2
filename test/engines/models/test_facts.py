"""Sound files whose facts or weights make no network: one ModelError that says why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.facts import KEY, make_facts, pack_facts, unpack_facts

torch = pytest.importorskip("torch")

from tracker_ros.engines.models.export import export_model  # noqa: E402
from tracker_ros.engines.models.info import describe  # noqa: E402
from tracker_ros.engines.models.store import save_network  # noqa: E402
from tracker_ros.networks.build import build  # noqa: E402
from tracker_ros.networks.presets import PRESETS  # noqa: E402

from .rewriting import MODELS, error_of, facts_of, rewrite, rewrite_graph  # noqa: E402


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda facts: None, "carries no tracker_ros facts: it was not written by this package"),
        (lambda facts: "{", "carries malformed facts"),
        (lambda facts: "[" * 100_000, "carries malformed facts"),
        (lambda facts: [], "carries malformed facts"),
        (lambda facts: {}, "carries malformed facts: KeyError('format')"),
        (lambda facts: facts | {"format": 99}, "it has format 99, this version reads 1"),
        (lambda facts: facts | {"network": [1]}, "network is [1]"),
        (lambda facts: facts | {"training": None}, "training is None"),
        (lambda facts: facts | {"architecture": ["dastm"]}, "architecture is ['dastm']"),
        (lambda facts: facts | {"tracking": None}, "carries malformed facts"),
        (lambda facts: facts | {"tracking": {"query_size": 0}}, "query_size is 0"),
        (lambda facts: facts | {"tracking": {"aim": 1}}, "unknown value 'aim'"),
    ],
)
def test_unusable_facts(files, name, change, sentence):
    path = files.folder / name
    facts = change(facts_of(files.weights))
    (rewrite if path == files.weights else rewrite_graph)(path, facts)
    assert sentence in error_of(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"architecture": "stark"}, "architecture 'stark' is unknown; there is stmtrack, "),
        ({"network": {"channels": 32}}, "do not fit the network"),
        ({"network": {"channels": "16"}}, "these values make no dastm"),
        ({"network": {"widths": [8, 8]}}, "these values make no dastm"),
        ({"network": {"widths": 8}}, "these values make no dastm"),
        ({"network": {"depths": [1, 1]}}, "these values make no dastm"),
        ({"network": {"gate_reduction": 0}}, "these values make no dastm"),
        ({"network": {"gate": "firm"}}, "gate mode is 'firm'"),
        ({"network": {"late_se": "x"}}, "late_se is 'x', not of the kind of 0"),
        ({"network": {"scale": 0}}, "scale is 0, not of the kind of False"),
        ({"network": {"depths": [1, 1.0]}}, "depths is (1, 1.0), not of the kind of (2, 5, 6)"),
        ({"network": {"temperature": None}}, "temperature is None, not of the kind of 1.0"),
        ({"network": {"colour": "red"}}, "unexpected keyword argument 'colour'"),
    ],
)
def test_weights_of_another_network(files, change, sentence):
    facts = facts_of(files.weights)
    facts["network"] |= change.pop("network", {})
    rewrite(files.weights, facts | change)
    assert sentence in error_of(files.weights)


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        (lambda state: state.pop("label.weight") is None or state, '"label.weight"'),
        (lambda state: state | {"more": torch.zeros(1)}, "Unexpected key"),
        (lambda state: state | {"label.weight": torch.zeros(3)}, "size mismatch for label.weight"),
        (lambda state: {}, "Missing key"),
    ],
)
def test_tensors_that_do_not_fit(files, tensors, sentence):
    rewrite(files.weights, facts_of(files.weights), tensors)
    assert sentence in error_of(files.weights)


def test_steps_that_cannot_run_are_neither_described_nor_exported(tmp_path):
    path = tmp_path / "flat.safetensors"
    preset = PRESETS["siamfc_st_tiny"]
    network = build(preset.architecture, preset.network.to_dict() | {"search_size": 8})
    save_network(path, network, preset.architecture, preset.tracking, {})
    with pytest.raises(ModelError, match=f"^model file {path}: network and crops do not fit"):
        describe(path)
    with pytest.raises(ModelError, match=f"^model file {path}: network and crops do not fit"):
        export_model(path, tmp_path)
    assert [path] == list(tmp_path.iterdir())


def test_weights_that_are_not_finite(files):
    rewrite(
        files.weights,
        facts_of(files.weights),
        lambda state: state | {"label.weight": torch.full_like(state["label.weight"], torch.nan)},
    )
    assert "label.weight is not finite" in error_of(files.weights)


def test_weights_of_whole_numbers(files):
    rewrite(
        files.weights,
        facts_of(files.weights),
        lambda state: state | {"label.weight": state["label.weight"].to(torch.int8)},
    )
    assert "label.weight is of torch.int8, not of torch.float32" in error_of(files.weights)


@given(st.text() | st.none())
def test_any_facts_are_usable_or_a_model_error(text):
    with pytest.raises(ModelError):
        unpack_facts({} if text is None else {KEY: text}, "model")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted(TrackingConfig().to_dict()))


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_any_tracking_config_is_usable_or_a_model_error(tracking):
    facts = make_facts("dastm", {}, TrackingConfig())
    facts = json.loads(pack_facts(facts)) | {"tracking": tracking}
    try:
        TrackingConfig.from_dict(unpack_facts({KEY: json.dumps(facts)}, "model")["tracking"])
    except ModelError as error:
        assert "\n" not in str(error)
