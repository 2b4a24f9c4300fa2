"""`tracker-ros train`: options; bad ones are one sentence before anything is written."""

import argparse
import os
import re
import subprocess
from dataclasses import fields

import pytest

from tracker_ros.commands import main
from tracker_ros.commands.workshop.train import add_arguments
from tracker_ros.core.errors import ParameterError
from tracker_ros.networks.architectures.dastm import DastmConfig
from tracker_ros.training.config import LossConfig, SamplingConfig, TrainingConfig
from tracker_ros.training.options import given, overridden
from tracker_ros.training.records.provenance import commit, data_names


def check_refused(shards, tmp_path, capsys, options, sentence):
    pytest.importorskip("torch")
    small = ["--batch", "1", "--workers", "0"]  # what is not refused must not fill the machine
    assert main(["train", str(shards), "--out", str(tmp_path / "run"), *small, *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"tracker-ros: error: {sentence}") and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--steps", "0"], "--steps is 0, not a number from 1 up"),
        (["--batch", "-3"], "--batch is -3, not a number from 1 to 65536"),
        (["--max-gap", "0"], "--max-gap is 0, not a number from 1 to 1000000000"),
        (["--weights", "video=inf"], "--weights video is inf, not a number from 0 to 1000000"),
        (
            ["--weights", "voc=1,video=nan"],
            "--weights video is nan, not a number from 0 to 1000000",
        ),
        (["--weights", "video=2,voc=-1"], "--weights voc is -1.0, not a number from 0 to 1000000"),
        (["--ratios", "coco=inf"], "--ratios coco is inf, not a number from 0 to 1000000"),
        (["--negative", "1.5"], "--negative is 1.5, not a number from 0 to 1"),
        (["--optimiser", "adam"], "--optimiser is 'adam', not one of adamw, sgd"),
        (["--model", "dastn"], "model 'dastn' is unknown; there is "),
        (["--network", "gates=soft"], "--network 'gates=soft': there is no 'gates' in backbone,"),
        (["--network", "channels=x"], "--network 'channels=x': 'x' is not a whole number"),
        (
            ["--model", "dastm_tiny", "--network", "depths=1,1"],
            "these values make no dastm: depths is 1, 1, but mobileone takes 3 numbers",
        ),
        (
            ["--model", "dastm_tiny", "--network", "depths=2,x"],
            "--network 'depths=2,x': '2,x' is not whole numbers with commas between them",
        ),
        (
            ["--model", "dastsiam", "--network", "widths=8,8,8,8,8"],
            "these values make no dastsiam: widths is 8, 8, 8, 8, 8, but resnet50 takes 4 numbers",
        ),
        (
            ["--model", "siamfc", "--network", "widths=8"],
            "these values make no siamfc: widths is 8, but alexnet takes 5 numbers",
        ),
        (["--tracking", "query_size=-3"], "tracking config: query_size is -3, not a positive"),
        (["--workers", "-1"], "--workers is -1, not a number from 0 to 256"),
        (["--workers", "100000"], "--workers is 100000, not a number from 0 to 256"),
        (["--batch", "100000000"], "--batch is 100000000, not a number from 1 to 65536"),
        (["--query-frames", "99999"], "--query-frames is 99999, not a number from 1 to 1024"),
        (["--seed", "9" * 23], f"--seed is {'9' * 23}, not a number from 0 to 9223372036854775807"),
        (["--steps", "9" * 400], f"--steps is {'9' * 400}, not a number from 1 to 922337203685477"),
        (["--name", os.fsdecode(b"n\xff")], "a model cannot be "),
        (["--validate-every", "5"], "--validate-every is about --validate, which is missing"),
        (
            ["--tracking", "query_size=100"],
            "query_size is 100 pixels, but the network has 14 cells",
        ),
        (
            ["--tracking", "memory_segments=1025"],
            "tracking config: memory_segments is 1025, more than 1024",
        ),
        (["--tracking", "stride=3"], "stride is 3, but the network has cells of 8 pixels"),
        (
            ["--model", "stif_tiny", "--tracking", "stride=4"],
            "stride is 4, but the network has cells of 8 pixels",
        ),
        (
            ["--model", "siamfc_st_tiny", "--memory-frames", "2"],
            "--memory-frames is 2, but siamfc takes 3",
        ),
        (
            ["--model", "ustam_tiny", "--memory-frames", "3"],
            "--memory-frames is 3, but ustam takes 2",
        ),
        (["--network", "memory_cells=30"], "these values make no dastm_filter: memory_cells is 30"),
        (["--network", "gate_reduction=200"], "these values make no dastm_filter: attention.gate."),
        (
            ["--model", "siamfc_st_tiny", "--network", "scale_step=0"],
            "these values make no siamfc: scale_step is 0.0, not from 1 to 2",
        ),
        (
            ["--model", "ustam_tiny", "--network", "drop_path=2"],
            "these values make no ustam: drop_path is 2.0, not from 0 to 0.95",
        ),
        (
            ["--model", "dastsiam", "--network", "dilation=0"],
            "these values make no dastsiam: dilation is 0, not from 1 to 256",
        ),
        (
            ["--model", "siamfc_st_tiny", "--network", "search_size=400"],
            "search_size is 400, more than the query_size 166",
        ),
        (
            ["--model", "ustam_tiny", "--tracking", "query_size=200"],
            "the network is made for crops of 196 and 98 pixels, its tracking config says 200",
        ),
        (["--seed", "-1"], "--seed is -1, not a number from 0 up"),
        (["--minutes", "nan"], "--minutes is nan, not a number from 0 to 10000000"),
        (["--minutes", "inf"], "--minutes is inf, not a number from 0 to 10000000"),
        (["--rate", "-0.1"], "--rate is -0.1, not a number from 1e-12 to 100"),
        (
            ["--network", "gate=firm"],
            "these values make no dastm_filter: gate mode is 'firm', not one of",
        ),
        (["--device", "meta"], "--device is 'meta', not cpu, cuda or cuda:N"),
        (["--device", "cuda:"], "--device is 'cuda:', not cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "--device is 'cuda:99', but torch does not find it here"),
    ],
)
def test_bad_options(shards, tmp_path, capsys, options, sentence):
    check_refused(shards, tmp_path, capsys, options, sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--minutes", "1", "--steps", "5"], "--steps has no effect: --minutes is 1"),
        (["--drop", "0.5"], "--drop has no effect: --schedule is cosine"),
        (["--warmup", "0", "--warmup-rate", "1"], "--warmup-rate has no effect: --warmup is 0"),
        (
            ["--frozen", "0", "--frozen-part", "convolutions"],
            "--frozen-part has no effect: --frozen is 0",
        ),
        (["--negative", "0", "--kin", "1"], "--kin has no effect: --negative is 0"),
        (["--model", "stmtrack", "--angle", "9"], "--angle has no effect: --rotation is 0"),
        (["--model", "stmtrack", "--zoom", "0.5"], "--zoom has no effect: --crops is uniform"),
        (["--model", "stmtrack", "--paste-motion", "1"], "--paste-motion has no effect: nothing"),
        (["--pasted", "1"], "--pasted has no effect: there are shards alone, of which --weights"),
        (["--ratios", "coco=1"], "--ratios has no effect: no set coco is given without a weight"),
        (["--loss-budget", "0.5"], "--loss-budget has no effect: --loss-gate-budget is 0"),
        (
            ["--loss-assignment", "iou"],
            "--loss-assignment has no effect: the loss of dastm_filter does not look at it",
        ),
        (
            ["--model", "siamfc", "--query-frames", "2"],
            "--query-frames has no effect: the loss of siamfc does not look at it",
        ),
        (
            ["--network", "gate=se", "--loss-gate-balance", "1"],
            "--loss-gate-balance has no effect: the network has no gate that learns",
        ),
        (["--frozen-stem"], "--frozen-stem has no effect: --frozen is 1"),  # dastm's recipe
        (
            ["--network", "gate=se", "--network", "temperature=2"],
            "--network temperature has no effect: gate is se",
        ),
        (
            ["--model", "stmtrack_tiny", "--network", "width=0.5"],
            "--network width has no effect: backbone is efficientnet_lite0",
        ),
        (
            ["--model", "dastsiam", "--network", "scale=true"],
            "--network scale has no effect: backbone is resnet50",
        ),
        (
            ["--model", "siamfc", "--network", "layers=1"],
            "--network layers has no effect: nothing is fused",
        ),
        (
            ["--tracking", "size_rate=0.5"],
            "--tracking size_rate has no effect: what is learned online gives the box",
        ),
        (["--frozen", "0.5"], "--frozen has no effect: neither --backbone nor --start gives the"),
    ],
)
def test_what_would_have_no_effect_is_refused(shards, tmp_path, capsys, options, sentence):
    check_refused(shards, tmp_path, capsys, options, sentence)


def test_what_has_an_effect_on_other_data_is_refused(tmp_path, capsys):
    pytest.importorskip("torch")
    command = ["train", f"otb:{tmp_path}", "--model", "siamfc_st_tiny", "--recipe", "short"]
    for option, sentence in (
        (["--weights", "otb=0.5"], "--weights has no effect: it weighs shards, and there are none"),
        (["--ratios", "otb=1,coco=1"], "--ratios has no effect: no set coco is given"),
    ):
        assert main([*command, *option, "--out", str(tmp_path / "run")]) == 1
        assert capsys.readouterr().err.startswith(f"tracker-ros: error: {sentence}")


@pytest.mark.parametrize("command", ["train", "train-refiner"])
@pytest.mark.parametrize("name", ["../x", "a/b", "..", ""])
def test_a_models_name_is_no_path(shards, tmp_path, capsys, command, name):
    with pytest.raises(SystemExit) as end:
        main([command, str(shards), "--out", str(tmp_path / "run"), "--name", name])
    told = capsys.readouterr().err.splitlines()[-1]
    assert end.value.code == 2 and told.endswith(f"--name: {name!r} cannot be the name of a file")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "told"),
    [("otb:nowhere", "is not a folder"), ("otv:nowhere", "got10k"), ("nowhere", "is not a folder")],
)
def test_wrong_data_ends_in_a_sentence(data, told, tmp_path, capsys):
    pytest.importorskip("torch")
    command = ["train", data, "--model", "siamfc_st_tiny", "--recipe", "short"]
    assert main([*command, "--out", str(tmp_path / "run"), "--cache", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error:") and told in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "siamfc"], "--recipe paper-got10k: siamfc's paper prints none"),
        *(
            (["--model", name], "--recipe paper-got10k trains on got10k:FOLDER alone, not on ")
            for name in ("stmtrack", "stif", "ustam_b288")
        ),
    ],
)
def test_got10ks_rule(shards, tmp_path, capsys, options, sentence):
    pytest.importorskip("torch")
    assert main(["train", str(shards), "--recipe", "paper-got10k", *options]) == 1
    assert capsys.readouterr().err.startswith(f"tracker-ros: error: {sentence}")


@pytest.mark.parametrize("recipe", ["paper", "short"])
def test_a_papers_backbone_that_is_missing_is_said(shards, tmp_path, caplog, recipe):
    pytest.importorskip("torch")
    # The model is exported at the end; a gate of which all branches run is sooner.
    sizes = ("widths=8,8,16,24", "depths=1,1,1", "channels=16", "head_channels=16", "gate=soft")
    small = ["--model", "dastm_tiny", "--recipe", recipe]
    small += [f"--network={size}" for size in sizes]
    options = ["--steps", "1", "--batch", "2", "--workers", "0", "--out", str(tmp_path / "run")]
    assert main(["train", str(shards), *small, *options]) == 0
    told = [r.message for r in caplog.records if "was trained on ImageNet before" in r.message]
    assert len(told) == (recipe == "paper")


def test_what_is_said_of_a_backbone_that_start_gives(shards, tmp_path, caplog, capsys):
    pytest.importorskip("torch")
    from tracker_ros.networks.backbones.by_name import make_backbone
    from tracker_ros.networks.build import build
    from tracker_ros.networks.presets import preset
    from tracker_ros.training.records import checkpoint

    sizes = ("widths=8,8,16,24", "depths=1,1,1", "channels=16", "head_channels=16", "gate=soft")
    command = ["train", str(shards), "--model", "dastm_tiny", "--recipe", "short", "--steps", "1"]
    command += [f"--network={size}" for size in sizes] + ["--batch", "2", "--workers", "0"]
    network = overridden(preset("dastm_tiny").network, sizes, "--network")
    first, trunk = tmp_path / "first.pt", tmp_path / "trunk.pt"
    checkpoint.save(first, {"average": build("dastm", network.to_dict()).state_dict()})
    checkpoint.save(trunk, {"trunk": make_backbone(network).state_dict(), "facts": {}})
    command += ["--start", str(first), "--frozen", "1", "--out", str(tmp_path / "run")]
    capsys.readouterr()
    assert main([*command, "--network", "head_depth=4", "--backbone-rate", "0.3"]) == 1
    error = "tracker-ros: error: --backbone-rate has no effect: --frozen is 1\n"
    assert capsys.readouterr().err == error
    assert main([*command, "--backbone", str(trunk)]) == 0
    part, whole = (r.message for r in caplog.records if r.message.startswith("--"))
    assert re.fullmatch(r"--start gives \d+ of the network's \d+ tensors", part)
    assert whole == "--backbone has no effect: --start gives the whole backbone, too"


def test_a_network_without_st_learns_from_one_memory_frame(shards, tmp_path):
    pytest.importorskip("torch")
    command = ["train", str(shards), "--model", "siamfc", "--recipe", "short", "--steps", "1"]
    command += ["--network", "widths=8,8,8,8,8", "--network", "channels=8", "--memory-frames", "1"]
    assert main([*command, "--batch", "2", "--workers", "0", "--out", str(tmp_path)]) == 0


def test_a_backbone_without_a_stem_has_none_to_freeze(shards, tmp_path, capsys):
    pytest.importorskip("torch")
    from tracker_ros.networks.backbones.alexnet import AlexNet
    from tracker_ros.training.records import checkpoint

    trunk = tmp_path / "trunk.pt"
    checkpoint.save(trunk, {"trunk": AlexNet((8, 8, 8, 8, 8)).state_dict(), "facts": {}})
    options = ["--model", "siamfc", "--network", "widths=8,8,8,8,8", "--network", "channels=8"]
    options += ["--backbone", str(trunk), "--frozen-stem"]
    check_refused(shards, tmp_path, capsys, options, "--frozen-stem has no effect: this backbone")


def parsed(*options):
    """The options of one command line, over the short recipe of DASTM."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["data", *options])


def test_every_field_is_an_option_whose_default_is_the_recipes():
    args = parsed()
    for config in (TrainingConfig(batch=7), SamplingConfig(causal=True), LossConfig(box=9.0)):
        assert given(args, config) == config  # nothing was given
        names = [part.name for part in fields(config) if part.metadata]
        assert len(names) > 5 and all(hasattr(args, config.prefix + name) for name in names)


def test_options_replace_what_the_recipe_says():
    args = parsed(
        *("--look-alike", "0.5", "--no-causal", "--loss-box", "2", "--optimiser", "sgd"),
        *("--weights", "davis=1,paste=0.5", "--validate-every", "7"),
    )
    sampling = given(args, SamplingConfig(causal=True))
    assert (sampling.look_alike, sampling.causal) == (0.5, False)
    assert sampling.weights == {"davis": 1.0, "paste": 0.5}
    assert given(args, LossConfig()).box == 2.0
    training = given(args, TrainingConfig())
    assert (training.optimiser, training.validate_every) == ("sgd", 7)


@pytest.mark.parametrize(
    ("option", "kind"),
    [("--batch", "whole number"), ("--rate", "number"), ("--seed", "whole number")],
)
def test_what_python_takes_for_a_number_is_none(capsys, option, kind):
    with pytest.raises(SystemExit):
        parsed(option, "1_0")
    assert capsys.readouterr().err.endswith(f"argument {option}: '1_0' is no {kind}\n")


@pytest.mark.parametrize(
    "text", ["davis", "davis=", "davis=x", "davis=1,,", "davis=1_0", "davis=1,davis=2"]
)
def test_malformed_weights_are_refused(capsys, text):
    with pytest.raises(SystemExit):
        parsed("--weights", text)
    assert "is not KIND=NUMBER" in capsys.readouterr().err


def test_values_of_the_network_keep_their_type():
    network = overridden(
        DastmConfig(), ["gate=soft", "channels=64", "temperature=0.5", "depths=1,2,3"], "--network"
    )
    assert (network.gate, network.channels, network.temperature) == ("soft", 64, 0.5)
    assert network.depths == (1, 2, 3)
    assert overridden(DastmConfig(), ["scale=true"], "--network").scale is True
    for text in ("scale=perhaps", "depths=1,x", "channels=", "channels=1.5"):
        with pytest.raises(ParameterError, match=f"--network '{text}'"):
            overridden(DastmConfig(), [text], "--network")


def test_the_data_of_the_facts_name_no_place(tmp_path):
    specs = [str(tmp_path), f"otb:{tmp_path}:2", f"coco:{tmp_path}/x/../y"]
    found = data_names(specs)
    assert found == [f"shards:{tmp_path.name}:1", f"otb:{tmp_path.name}:2", "coco:y:1"]


def test_the_commit_is_the_repositorys_where_there_is_one():
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    if found.returncode:
        assert commit() is None
    else:
        assert commit().removesuffix("+") == found.stdout.strip()


def test_without_git_the_commit_is_unknown(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() is None
