"""What cannot become a model is refused in one sentence, and nothing out of a file is run."""

import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tracker_ros.commands import main
from tracker_ros.core.errors import ModelError, ParameterError
from tracker_ros.networks.backbones.mobileone import VARIANTS
from tracker_ros.training.official.convert import KINDS, convert, draft
from tracker_ros.training.official.source import Checkpoint
from tracker_ros.training.records import checkpoint


@pytest.fixture
def mobileone(official, restated):
    """Apple's MobileOne-S1, the smallest of all."""
    restated.mobileone(official, torch.zeros(1, 3, 16, 16), *VARIANTS["s1"], 0)
    return official


def refusal(path, tmp_path) -> str:
    with pytest.raises(ModelError) as found:
        convert("mobileone_s1", path, tmp_path / "ours.pt")
    assert not (tmp_path / "ours.pt").exists()
    text = str(found.value)
    assert str(path) in text and "\n" not in text
    return text


def test_shapes_name_both_sides(mobileone, tmp_path):
    mobileone.tensors["stage2.0.rbr_conv.0.conv.weight"] = torch.zeros(96, 2, 3, 3)
    assert refusal(mobileone.save(tmp_path / "a.pth"), tmp_path).endswith(
        "stage2.0.rbr_conv.0.conv.weight has shape [96, 2, 3, 3], "
        "our stages.1.0.0.convs.0.0.weight [96, 1, 3, 3]"
    )


def test_a_missing_tensor_is_named(mobileone, tmp_path):
    del mobileone.tensors["stage1.3.rbr_skip.bias"]
    text = refusal(mobileone.save(tmp_path / "a.pth"), tmp_path)
    assert text.endswith("has no tensor stage1.3.rbr_skip.bias")


def test_tensors_without_a_place_are_named(mobileone, tmp_path):
    """Another network that happens to hold this one, MobileOne-S4 say, is not it."""
    mobileone.extra("stage1.0.se.weight", *(f"stage3.{i}.se.bias" for i in range(5)))
    text = refusal(mobileone.save(tmp_path / "a.pth"), tmp_path)
    assert "6 tensors that have no place here: stage1.0.se.weight, stage3.0.se" in text
    assert text.endswith("and 2 more")


def test_numbers_that_are_none(mobileone, tmp_path):
    mobileone.tensors["stage0.rbr_scale.bn.bias"][3] = float("nan")
    assert refusal(mobileone.save(tmp_path / "a.pth"), tmp_path).endswith(
        "stage0.rbr_scale.bn.bias is not finite"
    )


@pytest.mark.parametrize("how", ["safetensors", "npz", "legacy", "several GPUs", "half"])
def test_files_of_every_kind_are_read(mobileone, tmp_path, how):
    tensors, path = mobileone.tensors, tmp_path / "official.pth"
    expected = convert("mobileone_s1", mobileone.save(path), tmp_path / "expected.pt")
    if how == "safetensors":
        save_file(tensors, path := tmp_path / "official.safetensors")
    elif how == "npz":
        np.savez(path := tmp_path / "official.npz", **{k: v.numpy() for k, v in tensors.items()})
    elif how == "legacy":  # of torch before 1.6, and without the counts that came later
        old = {k: v for k, v in tensors.items() if not k.endswith("num_batches_tracked")}
        torch.save(old, path, _use_new_zipfile_serialization=False)
    elif how == "several GPUs":
        torch.save({"state_dict": {f"module.{k}": v for k, v in tensors.items()}}, path)
    else:
        torch.save({k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}, path)
    ours = checkpoint.load(convert("mobileone_s1", path, tmp_path / "ours.pt").path)["trunk"]
    for name, value in checkpoint.load(expected.path)["trunk"].items():
        assert ours[name].dtype == value.dtype
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(ours[name], value, rtol=2e-3, atol=2e-3)


def test_a_damaged_number_is_noticed(mobileone, tmp_path):
    path = mobileone.save(tmp_path / "a.pth")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "cannot be read: it is damaged at " in refusal(path, tmp_path)


class Command:
    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_file_is_never_run(mobileone, tmp_path, monkeypatch, legacy):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pth"
    content = {"net": mobileone.tensors, "settings": Command()}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    text = refusal(path, tmp_path)
    assert "can only be read by running code (posix.mkdir)" in text
    assert not (tmp_path / "ran").exists()


@pytest.mark.filterwarnings("error")  # it is one sentence, not also a warning of torch's
def test_a_bare_pickle_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Command()))
    refusal(tmp_path / "a.pkl", tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", ["pth", "safetensors", "npz"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04"])
def test_damaged_files(tmp_path, suffix, content):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    refusal(path, tmp_path)


@pytest.mark.parametrize("content", [[], {}, {"model": 7}, 3, {"a": {"b": 1}}])
def test_files_without_tensors(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    assert refusal(tmp_path / "a.pth", tmp_path).endswith("holds no tensors by name")


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(8, 3, 3, 3).to_sparse(),
        torch.zeros(8, 3, 3, 3, dtype=torch.complex64),
    ],
    ids=["sparse", "complex"],
)
def test_tensors_that_are_no_plain_numbers(tmp_path, value):
    torch.save({"stage0.conv.weight": value}, tmp_path / "a.pth")
    assert "stage0.conv.weight is torch." in refusal(tmp_path / "a.pth", tmp_path)


def test_a_folder_or_nothing(tmp_path):
    assert "does not exist" in refusal(tmp_path / "a.pth", tmp_path)
    (tmp_path / "a.onnx").mkdir()
    os.mkfifo(tmp_path / "a.npz")  # nobody writes to it
    for path in (tmp_path, tmp_path / "a.onnx", tmp_path / "a.npz"):
        assert refusal(path, tmp_path).endswith("is not a file")


def test_archives_of_other_things(tmp_path):
    """NumPy would advise to unpickle them."""
    path = tmp_path / "a.npz"
    for content in (np.random.default_rng(0).bytes(99), pickle.dumps({"a": 1})):
        path.write_bytes(content)
        assert refusal(path, tmp_path).endswith("it is damaged, or not an archive of numbers alone")
    for array in (np.array([{}], object), np.array(["a"])):
        np.savez(path, a=array)
        assert refusal(path, tmp_path).endswith("it is damaged, or not an archive of numbers alone")


def test_the_command_names_kinds_and_what_is_left_out(mobileone, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for i in range(9):
        mobileone.extra(f"linear.{i}")
    mobileone.save(tmp_path / "mobileone_s1.pth.tar")
    assert main(["convert", "mobileone_s1", "mobileone_s1.pth.tar"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "9 tensors have no use here: linear.0, linear.1, linear.2, linear.3 and 5 more",
        "mobileone_s1.pt",
    ]
    assert main(["convert", "mobileone_s7", "mobileone_s1.pth.tar"]) == 1
    error = capsys.readouterr().err
    assert "'mobileone_s7' is unknown" in error and all(kind in error for kind in KINDS)
    assert main(["convert", "mobileone_s1", "mobileone_s1.pth.tar", "--output", "a.onnx"]) == 1
    assert "not named NAME.pt" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.safetensors").touch()
    assert main(["convert", "dance", "x.safetensors"]) == 1  # not that it would write over it
    assert "kind 'dance' is unknown" in capsys.readouterr().err
    assert main(["convert", "mae", "x.safetensors"]) == 1  # what it becomes has another name
    assert "checkpoint x.safetensors cannot be read" in capsys.readouterr().err
    assert main(["convert", "siamfc", "x.safetensors"]) == 1
    assert "would write over x.safetensors, which is read" in capsys.readouterr().err
    for path in (".", ".pth"):  # the result would be a hidden file
        assert main(["convert", "mobileone_s1", path]) == 1
        assert f"{path} has no name that the result could have" in capsys.readouterr().err
    assert main(["convert", "mobileone_s1", ".", "--output", "a.pt"]) == 1
    assert "checkpoint . is not a file" in capsys.readouterr().err


def test_a_models_file_is_a_safetensors(tmp_path):
    with pytest.raises(ParameterError, match=r"NAME\.safetensors"):
        convert("siamfc", tmp_path / "a.pth", tmp_path / "a.pt")


def test_what_was_taken_is_counted(tmp_path, official):
    official.extra("a.0.w", "a.1.w", "b")
    source = Checkpoint(official.save(tmp_path / "a.pth"))
    assert source.count("a.{}.w") == 2
    source.take("a.0.w")
    assert source.unused(".*") == ["a.1.w", "b"]


def test_a_dictionary_that_holds_itself(tmp_path):
    content = {"state_dict": {}}
    content["state_dict"]["model"] = content
    torch.save(content, tmp_path / "a.pth")
    assert refusal(tmp_path / "a.pth", tmp_path).endswith("holds no tensors by name")


@pytest.mark.parametrize("shape", [(), (3,), (1, 1), (2, 3, 4)])
def test_tensors_of_odd_shapes_are_told_by_every_kind(tmp_path, shape):
    class Anything(Checkpoint):
        """Has a tensor of every name."""

        def has(self, name):
            return True

        def take(self, name):
            return torch.ones(shape)

    torch.save({"a": torch.ones(1)}, path := tmp_path / "a.pth")
    source = Anything(path)
    for name, kind in KINDS.items():
        if name.startswith("mobileone"):
            source.has = lambda name: "reparam" not in name
        with pytest.raises(ModelError) as found:
            draft(kind, name, source)
        assert str(path) in str(found.value) and "\n" not in str(found.value)


def test_a_negative_variance_is_told(mobileone, tmp_path):
    mobileone.tensors["stage0.rbr_scale.bn.running_var"][3] = -1
    assert refusal(mobileone.save(tmp_path / "a.pth"), tmp_path).endswith(
        "stage0.rbr_scale.bn.running_var is negative"
    )


def test_what_overflows_in_the_making_is_told(mobileone, tmp_path):
    mobileone.tensors["stage0.rbr_conv.0.conv.weight"].fill_(3e38)
    assert "would not be finite" in refusal(mobileone.save(tmp_path / "a.pth"), tmp_path)


def test_a_model_that_could_not_be_opened_is_not_written(mobileone, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"n\xff.pth")
    mobileone.save(tmp_path / name)
    assert main(["convert", "mobileone_s1", name]) == 1
    error = capsys.readouterr().err
    assert "takes names in UTF-8 alone" in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert main(["convert", "mobileone_s1", name, "--output", "n.pt"]) == 0
