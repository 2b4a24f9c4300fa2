"""Model files that are written anew with something else in them, and what is said about them."""

import json

import pytest

from tracker_ros import load_tracker
from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.facts import KEY

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

MODELS = ("tiny.safetensors", "tiny.locate.onnx", "tiny.remember.onnx")


def error_of(path, named=None):
    """Load ``path`` with the engine that reads it; the ModelError's one sentence."""
    engine = "torch" if path.suffix == ".safetensors" else "onnx"
    with pytest.raises(ModelError) as error:
        load_tracker(path, engine=engine)
    message = str(error.value)
    assert str(named or path) in message and "\n" not in message and len(message) < 1500
    return message


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
