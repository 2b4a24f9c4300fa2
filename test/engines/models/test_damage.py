"""Whatever is wrong with a model file: one ModelError that names it."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker_ros import load_tracker
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.facts import KEY, make_facts, pack_facts, unpack_facts
from tracker_ros.engines.models.files import find_model, steps_of
from tracker_ros.engines.models.seal import check_seal

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from tracker_ros.engines.models.export import export_model  # noqa: E402
from tracker_ros.engines.models.info import describe  # noqa: E402
from tracker_ros.engines.models.store import save_network  # noqa: E402
from tracker_ros.networks.build import build  # noqa: E402
from tracker_ros.networks.presets import PRESETS  # noqa: E402

MODELS = ("tiny.safetensors", "tiny.locate.onnx", "tiny.remember.onnx")


def error_of(path, named=None):
    """Load ``path`` with the engine that reads it; the ModelError's one sentence."""
    engine = "torch" if path.suffix == ".safetensors" else "onnx"
    with pytest.raises(ModelError) as error:
        load_tracker(path, engine=engine)
    message = str(error.value)
    assert str(named or path) in message and "\n" not in message and len(message) < 1500
    return message


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"{}",
        b"not a model\n" * 50,
        b"\xff" * 4096,
        b"\x08\0\0\0\0\0\0\0{}      ",
        np.random.default_rng(0).bytes(3000),
        pickle.dumps({"weight": 1}),
    ],
)
def test_a_file_of_something_else(files, name, content):
    path = files.folder / name
    path.write_bytes(content)
    error_of(path)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(files, name, share):
    path = files.folder / name
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    error_of(path)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_with_something_appended(files, name):
    path = files.folder / name
    path.write_bytes(path.read_bytes() + b"\0")
    assert "does not match its checksum" in error_of(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(MODELS),
    where=st.floats(0, 1, exclude_max=True),
    value=st.integers(0, 255),
)
def test_any_damaged_byte_is_noticed(exported, tmp_path, name, where, value):
    content = bytearray((exported.folder / name).read_bytes())
    seal = content.find(b"tracker_ros-sha256-")
    named = content.rfind(b"seal", 0, seal)
    place = int(where * len(content))
    before, content[place] = content[place], value
    for path in exported.folder.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / name).write_bytes(content)
    if value == before:
        check_seal(tmp_path / name)
    elif not named - 4 <= place < seal:  # without the seal's name it is a file without seal
        error_of(tmp_path / name)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("place", [0, 8, 18, 19, 50, 82])
def test_a_damaged_seal_is_noticed(files, name, place):
    path = files.folder / name
    content = bytearray(path.read_bytes())
    content[content.find(b"tracker_ros-sha256-") + place] ^= 1
    path.write_bytes(content)
    assert "is corrupt: its c" in error_of(path)


def test_a_pickle_is_never_executed(files, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "executed").touch, ()

    torch.save({"weight": Trap()}, files.weights)
    error_of(files.weights)
    files.weights.write_bytes(pickle.dumps(Trap()))
    error_of(files.weights)
    assert not (tmp_path / "executed").exists()


def facts_of(path):
    with safe_open(path, "np") as file:
        return json.loads(file.metadata()[KEY])


def rewrite(path, facts=None, tensors=lambda state: state):
    """Write the weights anew with other metadata or tensors, and no seal."""
    metadata = (
        {} if facts is None else {KEY: facts if isinstance(facts, str) else json.dumps(facts)}
    )
    save_file(tensors(load_file(path)), path, metadata)


def rewrite_graph(path, facts=None):
    graph = onnx.load(path)
    del graph.metadata_props[:]
    if facts is not None:
        text = facts if isinstance(facts, str) else json.dumps(facts)
        onnx.helper.set_model_props(graph, {KEY: text})
    onnx.save(graph, path)


def test_unsealed_files_of_sound_content_are_read(files):
    facts = facts_of(files.weights)
    rewrite(files.weights, facts)
    for step in steps_of("dastm"):
        rewrite_graph(files.graph(step), facts)
    for engine in ("torch", "onnx"):
        assert load_tracker(files.weights, engine=engine).engine.facts == facts


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


def test_graphs_of_two_models(files):
    facts = facts_of(files.weights)
    rewrite_graph(files.graph("remember"), facts | {"training": {"steps": 7}})
    message = error_of(files.graph("locate"))
    assert "tiny.remember.onnx do not belong together: they differ in training" in message


def swap(one, other):
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def test_graphs_that_changed_places(files):
    locate, remember = map(files.graph, steps_of("dastm"))
    swap(locate, remember)
    assert "tiny.locate.onnx is not the step locate but remember" in error_of(locate)
    swap(locate, remember)
    locate.write_bytes(remember.read_bytes())
    assert "tiny.locate.onnx is not the step locate but remember" in error_of(locate)


def test_graphs_of_an_earlier_version_that_changed_places(files):
    locate, remember = map(files.graph, steps_of("dastm"))
    facts = facts_of(files.weights)
    swap(locate, remember)
    for path in (locate, remember):
        rewrite_graph(path, facts)
    assert "the step 'locate' of this dastm takes crop, box, not crop, memory" in error_of(
        locate, files.folder
    )


def test_graphs_of_other_weights_than_those_beside_them(files):
    facts = facts_of(files.weights)
    facts["training"]["steps"] = 7
    rewrite(files.weights, facts)
    for path in (files.weights, files.graph("locate")):
        with pytest.raises(ModelError) as error:
            load_tracker(path, engine="auto")
        assert f"the graphs of {files.weights} are of other weights: `tracker-ros export" in str(
            error.value
        )
    assert load_tracker(files.weights, engine="torch").engine.facts == facts
    for content in (files.weights.read_bytes()[:7], b"version https://git-lfs", None):
        files.weights.unlink()
        if content is not None:
            files.weights.write_bytes(content)
        load_tracker(files.graph("locate"))


def other_weights(state):
    return state | {"label.weight": state["label.weight"] + 1}


def test_graphs_of_weights_that_were_edited(files):
    """Their facts are the same; with or without their seal, which says that they are damaged."""
    facts = facts_of(files.weights)
    with safe_open(files.weights, "np") as file:
        metadata = file.metadata()
    rewrite(files.weights, facts)  # the same tensors
    load_tracker(files.weights, engine="onnx")
    for told in ({KEY: metadata[KEY]}, metadata):
        save_file(other_weights(load_file(files.weights)), files.weights, told)
        for path in (files.weights, files.graph("locate")):
            with pytest.raises(ModelError) as error:
                load_tracker(path, engine="auto")
            assert f"the graphs of {files.weights} are of other weights: `tracker-ros" in str(
                error.value
            )
    rewrite(files.weights, facts)
    export_model(files.weights, files.folder)
    load_tracker(files.weights, engine="onnx")


def test_a_graph_of_other_weights_than_the_others(files):
    facts, kept = facts_of(files.weights), files.graph("remember").read_bytes()
    rewrite(files.weights, facts, other_weights)
    export_model(files.weights, files.folder)
    files.graph("remember").write_bytes(kept)
    message = error_of(files.graph("locate"))
    assert "tiny.remember.onnx do not belong together: they differ in weights" in message


def test_graphs_of_an_earlier_version_are_read(files):
    facts = facts_of(files.weights)
    for step in steps_of("dastm"):
        rewrite_graph(files.graph(step), facts)  # without fingerprint and step
    load_tracker(files.weights, engine="onnx")


def test_graphs_of_weights_from_another_version_belong_to_them(files):
    """Weights keep the tracking fields of when they were made; graphs get today's."""
    facts = facts_of(files.weights)
    for name in ("motion", "aside_score"):
        del facts["tracking"][name]
    facts["tracking"]["calibration"] = 0.0
    rewrite(files.weights, facts)
    load_tracker(files.weights, engine="onnx")


def test_a_graph_that_contradicts_its_facts(files):
    facts = facts_of(files.weights)
    facts["tracking"]["query_size"] = 80
    rewrite(files.weights, facts)
    for step in steps_of("dastm"):
        rewrite_graph(files.graph(step), facts)
    assert "cannot be run" in error_of(files.graph("locate"), files.folder)


@pytest.mark.parametrize("step", ["trunk", "match", "learn"])
def test_a_graph_with_an_output_too_few_is_seen_before_the_first_frame(tmp_path, step):
    """Also that of ``match``, which only thorough frames run."""
    shipped = find_model("dastm_nano")
    for each in steps_of("dastm_filter"):
        shutil.copy(shipped.graph(each), tmp_path)
    path = tmp_path / shipped.graph(step).name
    facts = facts_of(shipped.weights)
    graph = onnx.load(path)
    del graph.graph.output[-1]
    onnx.save(graph, path)
    for each in steps_of("dastm_filter"):
        rewrite_graph(tmp_path / shipped.graph(each).name, facts)
    error_of(tmp_path / "dastm_nano.trunk.onnx", tmp_path)


def test_a_pipe_in_place_of_a_graph_is_not_waited_for(files):
    path = files.graph("remember")
    path.unlink()
    os.mkfifo(path)
    assert f"{path} is not a file" in error_of(files.graph("locate"), path)


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_in_place_of_a_file(files, name):
    path = files.folder / name
    path.unlink()
    path.mkdir()
    error_of(path)


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
