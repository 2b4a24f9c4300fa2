"""Writing a model file: what cannot be written, or would be refused, is named."""

import os

import pytest

torch = pytest.importorskip("torch")

from tracker_ros.core.errors import ModelError  # noqa: E402
from tracker_ros.engines.models.store import load_network, save_network  # noqa: E402
from tracker_ros.networks.build import build  # noqa: E402
from tracker_ros.networks.presets import PRESETS  # noqa: E402


@pytest.fixture
def write():
    """Writes ``siamfc_st_tiny`` with random weights, which ``change`` may spoil."""
    architecture, config, tracking = PRESETS["siamfc_st_tiny"]

    def save(path, change=lambda state: None, half=False):
        network = build(architecture, config.to_dict())
        with torch.no_grad():
            change(network.state_dict())
        save_network(path, network, architecture, tracking, {}, half)

    return save


def test_a_place_that_cannot_be_written_is_named(write, tmp_path):
    (tmp_path / "full.safetensors.part").symlink_to("/dev/full")
    for path in (tmp_path / "full.safetensors", tmp_path / "file/a.safetensors"):
        (tmp_path / "file").touch()
        with pytest.raises(OSError) as error:
            write(path)
        assert str(tmp_path) in str(error.value.filename) and error.value.strerror


def _variance(state):
    return next(value for name, value in state.items() if name.endswith("running_var"))


@pytest.mark.parametrize(
    ("change", "half", "told"),
    [
        (lambda state: next(iter(state.values())).fill_(torch.nan), False, "is not finite"),
        (lambda state: next(iter(state.values())).fill_(1e6), True, "is not finite"),
        (lambda state: _variance(state).fill_(-1.0), False, "running_var is negative"),
    ],
)
def test_weights_that_would_be_refused_are_not_written(write, tmp_path, change, half, told):
    path = tmp_path / "a.safetensors"
    with pytest.raises(ModelError, match=rf"a\.safetensors is not written: .*{told}"):
        write(path, change, half)
    assert not path.exists()


def test_who_may_read_it_is_as_the_process_is_told(write, tmp_path):
    write(tmp_path / "a.safetensors")
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o666 & ~mask
    load_network(tmp_path / "a.safetensors")
