"""Graphs and weights that belong together are read; others are a ModelError that says it."""

import shutil

import pytest

from tracker_ros import load_tracker
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.facts import KEY
from tracker_ros.engines.models.files import ModelFiles, find_model, steps_of

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from tracker_ros.engines.models.export import export_model  # noqa: E402

from .rewriting import error_of, facts_of, rewrite, rewrite_graph  # noqa: E402


def test_unsealed_files_of_sound_content_are_read(files):
    facts = facts_of(files.weights)
    rewrite(files.weights, facts)
    for step in steps_of("dastm"):
        rewrite_graph(files.graph(step), facts)
    for engine in ("torch", "onnx"):
        assert load_tracker(files.weights, engine=engine).engine.facts == facts


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


@pytest.fixture(scope="module")
def others(exported, tmp_path_factory):
    """The files of the same network with other weights."""
    files = ModelFiles("tiny", tmp_path_factory.mktemp("others"))
    shutil.copy(exported.weights, files.weights)
    rewrite(files.weights, facts_of(files.weights), other_weights)
    export_model(files.weights, files.folder)
    return files


def test_graphs_of_weights_that_were_edited(files, others):
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
    load_tracker(others.weights, engine="onnx")


def test_a_graph_of_other_weights_than_the_others(files, others):
    for path in (files.weights, files.graph("locate")):
        shutil.copy(others.folder / path.name, path)
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
