"""load_tracker: what it is asked for, and what it says when it cannot."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.errors import ModelError, ParameterError
from tracker_ros.core.io.paths import share_dir
from tracker_ros.engines.models.files import find_model, steps_of

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

HAS_GPU = {
    "torch": torch.cuda.is_available(),
    "onnx": "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"engine": "tflite"}, "engine is 'tflite', not one of auto, torch, onnx, tensorrt"),
        ({"engine": "tensorrt", "device": "cpu"}, "engine is 'tensorrt', which runs on a GPU"),
        ({"device": "tpu"}, "device is 'tpu', not auto, cpu, cuda or cuda:N"),
        ({"device": "cpu:0"}, "device is 'cpu:0'"),
        ({"device": "cuda:"}, "device is 'cuda:'"),
        ({"device": "cuda:x"}, "device is 'cuda:x'"),
        ({"device": "cuda:²"}, "device is 'cuda:²'"),
        ({"device": ""}, "device is ''"),
        ({"device": None}, "device is None, not auto, cpu, cuda or cuda:N"),
        ({"device": 0}, "device is 0"),
        ({"threads": -1}, "threads is -1, not a whole number from 0 to 1024"),
        ({"threads": 10**6}, "threads is 1000000"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"threads": "2"}, "threads is '2'"),
        ({"tracking": {"query_size": 64}}, "tracking is dict, not a TrackingConfig"),
        ({"precision": "int8"}, "precision is 'int8', not one of fp32, bf16, fp16"),
        ({"precision": "bf16", "engine": "onnx"}, "precision is 'bf16', but the graphs of onnx"),
    ],
)
def test_impossible_parameters(files, options, sentence):
    with pytest.raises(ParameterError) as error:
        load_tracker(files.weights, **options)
    assert str(error.value).startswith(sentence)


def test_without_onnx_runtime_torch_is_taken_or_the_package_named(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    assert load_tracker(files.weights, device="cpu").engine.provider == "torch cpu"
    said = "the onnx engine needs the Python package 'onnxruntime'.*: pip install onnxruntime"
    with pytest.raises(ModelError, match=f"{said}; the torch engine does without"):
        load_tracker(files.weights, engine="onnx", device="cpu")
    with monkeypatch.context() as without_both:
        without_both.setitem(sys.modules, "torch", None)
        with pytest.raises(ModelError, match=f"{said}; the torch engine does without"):
            load_tracker(files.weights, device="cpu")
    files.weights.unlink()
    with pytest.raises(ModelError, match=f"{said}$"):
        load_tracker(files.graph("locate"), device="cpu")


@pytest.mark.parametrize("engine", ["torch", "onnx"])
@pytest.mark.parametrize("device", ["cuda", "cuda:7"])
def test_a_gpu_that_is_not_there_is_an_error(files, engine, device):
    if HAS_GPU[engine]:
        pytest.skip(f"{engine} has a GPU here")
    with pytest.raises(ModelError, match=f"device '{device}' was asked for"):
        load_tracker(files.weights, engine=engine, device=device)
    if any(HAS_GPU.values()):
        return  # left to choose, it takes the engine that has one
    with pytest.raises(ModelError, match=f"device '{device}' was asked for"):
        load_tracker(files.weights, device=device)


@pytest.mark.skipif(
    "TensorrtExecutionProvider" in onnxruntime.get_available_providers(), reason="TensorRT is here"
)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tensorrt_that_is_not_there_is_an_error(files, precision):
    with pytest.raises(ModelError, match="TensorRT on 'cuda' was asked for, but this onnxruntime"):
        load_tracker(files.weights, engine="tensorrt", precision=precision)
    tracker = load_tracker(files.weights, engine="tensorrt", allow_cpu_fallback=True)
    assert tracker.engine.provider.startswith("onnxruntime C")


@pytest.mark.parametrize(
    ("engine", "provider"), [("torch", "torch cpu"), ("onnx", "onnxruntime CPUExecutionProvider")]
)
def test_a_fallback_to_the_cpu_must_be_allowed_and_is_told(files, engine, provider):
    if HAS_GPU[engine]:
        pytest.skip(f"{engine} has a GPU here")
    tracker = load_tracker(files.weights, engine=engine, device="cuda", allow_cpu_fallback=True)
    assert tracker.engine.provider == provider


def test_auto_takes_what_there_is(files):
    assert load_tracker(files.weights, device="cpu").engine.provider.startswith("onnxruntime")
    for step in steps_of("dastm"):
        files.graph(step).unlink()
    assert load_tracker(files.weights, device="cpu").engine.provider == "torch cpu"


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_the_precision_runs_on_torch_and_answers_nearly_the_same(files, precision):
    half = load_tracker(files.weights, device="cpu", precision=precision)
    assert half.engine.provider == f"torch {precision} cpu"
    rng, found = np.random.default_rng(0), []
    window, query = (rng.integers(0, 256, (side, side, 3), np.uint8) for side in (48, 64))
    for tracker in (half, load_tracker(files.weights, engine="torch", device="cpu")):
        state = tracker.engine.start(window, (12, 12, 20, 20))
        found.append(tracker.engine.locate(query, state)[0])
    for one, other, scale in (
        (found[0].score, found[1].score, 1),
        (found[0].boxes, found[1].boxes, 64),
    ):
        assert one.dtype == np.float32 and not np.array_equal(one, other)
        np.testing.assert_allclose(one, other, atol=0.02 * scale)


def test_a_tracker_is_warm_and_without_a_target(files):
    tracker = load_tracker(files.graph("remember"))
    assert tracker.last_box is None and tracker.memory_size == 0
    assert tracker.engine.facts["training"] == {"data": "none", "steps": 0}
    assert tracker.config.query_size == 64


@pytest.mark.parametrize("engine", ["auto", "onnx"])
def test_a_missing_graph_is_named(files, engine):
    files.weights.unlink()
    files.graph("remember").unlink()
    (files.folder / "a.trunk.onnx").mkdir()
    with pytest.raises(ModelError, match=r"a\.trunk\.onnx is not a file"):
        load_tracker(files.folder / "a.trunk.onnx")
    with pytest.raises(ModelError, match=r"tiny\.remember\.onnx does not exist"):
        load_tracker(files.graph("locate"), engine=engine)


def test_where_the_graphs_come_from_is_said(files):
    files.graph("remember").unlink()
    remedy = f"tiny.remember.onnx does not exist: `tracker-ros export {files.weights}` writes"
    with pytest.raises(ModelError, match=re.escape(remedy)):
        load_tracker(files.weights, engine="onnx")
    files.graph("locate").unlink()
    with pytest.raises(ModelError, match=f"`tracker-ros export {files.weights}`"):
        load_tracker(files.weights, engine="onnx")


def test_missing_weights_are_named(files):
    files.weights.unlink()
    with pytest.raises(ModelError, match=r"tiny\.safetensors does not exist"):
        load_tracker(files.graph("locate"), engine="torch")
    with pytest.raises(ModelError, match=r"tiny\.safetensors does not exist"):
        load_tracker(files.weights)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_folder_whose_name_is_no_text(files, engine, tmp_path):
    folder = tmp_path / os.fsdecode(b"mod\xe8les")
    shutil.copytree(files.folder, folder)
    load_tracker(folder / files.weights.name, engine=engine)


@pytest.mark.parametrize("name", ["nonsense", "", "../models/dastm", "dastm.pt", "\0", "."])
def test_an_unknown_name_is_told_with_the_known_ones(name):
    shipped = sorted(path.stem for path in (share_dir() / "models").glob("*.safetensors"))
    with pytest.raises(ModelError) as error:
        find_model(name)
    assert repr(name) in str(error.value)
    assert (", ".join(shipped) or "none is installed") in str(error.value)


@pytest.mark.parametrize("model", [None, 5, b"dastm", ["dastm"]])
def test_what_is_neither_a_name_nor_a_path_is_told(model):
    with pytest.raises(
        ModelError, match=re.escape(f"model is {model!r}, neither a name nor a path")
    ):
        load_tracker(model)


@pytest.mark.parametrize("model", [300 * "x", f"{300 * 'x'}.onnx", f"{300 * 'x'}.safetensors"])
def test_a_name_that_no_file_can_have_is_told(model):
    with pytest.raises(ModelError, match=f"model file {model} cannot be read: File name too long"):
        load_tracker(model)


@pytest.mark.parametrize("name", ["tiny.onnx", "tiny.stop.onnx", "locate.onnx"])
def test_a_renamed_graph_is_told_the_rule(files, name):
    renamed = files.graph("locate").rename(files.folder / name)
    with pytest.raises(ModelError, match=r"is not named NAME\.start\|locate\|remember\|"):
        load_tracker(renamed)


def test_onnx_runtime_keeps_and_reports_nothing(tmp_path):
    """Its telemetry (since 1.32) keeps a device's id under HOME, unless it is told not to."""
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | home
    code = "from tracker_ros import load_tracker; load_tracker(engine='onnx', device='cpu')"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=240)
    assert not list(tmp_path.rglob("*onnxruntime*"))
