"""Damaged model files: one ModelError that names the file, and nothing in it is run."""

import os
import pickle
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker_ros.engines.models.seal import NO_SEAL, SEAL_KEY, check_seal
from tracker_ros.engines.models.seal import seal as write_seal

torch = pytest.importorskip("torch")

from .rewriting import MODELS, error_of  # noqa: E402


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


def test_a_graph_for_a_newer_onnx_runtime_says_so(files):
    import onnx

    path = files.graph("locate")
    model = onnx.load(path)
    (seal,) = (entry for entry in model.metadata_props if entry.key == SEAL_KEY)
    seal.value = NO_SEAL
    for change, words in (
        (lambda: setattr(model.opset_import[0], "version", 999), "Opset 999 is under development"),
        (lambda: setattr(model, "ir_version", 999), "loaded: Unsupported model IR version: 999"),
    ):
        change()
        onnx.save(model, path)
        write_seal(path)
        assert words in error_of(path)


def test_a_pickle_is_never_executed(files, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "executed").touch, ()

    torch.save({"weight": Trap()}, files.weights)
    error_of(files.weights)
    files.weights.write_bytes(pickle.dumps(Trap()))
    error_of(files.weights)
    assert not (tmp_path / "executed").exists()


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
