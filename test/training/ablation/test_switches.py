"""Parts of trained weights that are switched off: nothing else changes, and the tables say it."""

import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tracker_ros.commands import main  # noqa: E402
from tracker_ros.core.engine import Look  # noqa: E402
from tracker_ros.engines import network_tracker  # noqa: E402
from tracker_ros.engines.models.store import save_network  # noqa: E402
from tracker_ros.networks.build import build  # noqa: E402
from tracker_ros.networks.presets import PRESETS  # noqa: E402
from tracker_ros.training.ablation.switches import (  # noqa: E402
    SWITCHES,
    Switched,
    markdown,
)

SIZES = {"channels": 16, "head_channels": 16, "head_depth": 1}


@pytest.fixture(scope="module")
def small():
    """``dastm``, narrower, with random weights, and how it tracks."""
    torch.manual_seed(0)
    preset = PRESETS["dastm"]
    preset = preset._replace(network=replace(preset.network, **SIZES))
    return build(preset.architecture, preset.network.to_dict()).eval(), preset


def crops(count, size=128):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


BOX = (42.0, 44.0, 44.0, 40.0)


@pytest.mark.parametrize("off", [(), ("memory",), ("learning",), ("filter",), ("network",)])
def test_what_is_off_says_nothing_and_the_rest_is_the_same(small, off):
    network, preset = small
    plain = network_tracker(network, preset.architecture, preset.tracking).engine
    engine = Switched(plain, off)
    first, second, query = crops(3)
    states = [one.start(first, BOX) for one in (engine, plain)]
    assert (states[0].online is None) == ("filter" in off)
    states = [
        one.remember(second, BOX, 0.9, state)
        for one, state in zip((engine, plain), states, strict=True)
    ]
    mine, theirs = states
    assert torch.equal(mine.memory, theirs.memory) == ("memory" not in off)
    if "filter" not in off:
        learnt = mine.online.place.classifier.kernel, theirs.online.place.classifier.kernel
        assert np.array_equal(*learnt) == ("learning" not in off)
    look = Look(query, 1.0)
    found, _ = engine.locate(query, mine, None if "filter" in off else look)
    wanted, _ = plain.locate(query, theirs, look)
    same = np.array_equal(found.score, wanted.score) and found.opinion == wanted.opinion
    assert same == (off == ())
    assert (found.boxes is None) == ("filter" not in off)
    assert (found.opinion is None) == ("filter" in off or "network" in off)
    if "memory" in off:
        assert engine.remembered(mine) == 1 and plain.remembered(theirs) == 2


@pytest.fixture
def dev(tmp_path):
    """A sequence of four frames."""
    home = tmp_path / "dev" / "one"
    (home / "img").mkdir(parents=True)
    for i, image in enumerate(crops(4, 160)):
        cv2.imwrite(str(home / "img" / f"{i}.png"), image)
    (home / "groundtruth_rect.txt").write_text("50,60,40,30\n" * 4)
    return tmp_path / "dev"


def test_every_row_is_scored_once_and_written(small, dev, tmp_path, capsys):
    network, (architecture, _, tracking) = small
    path, out = tmp_path / "small.safetensors", tmp_path / "out"
    save_network(path, network, architecture, replace(tracking, memory_score=0.0), {})
    command = ["ablate", "--model", str(path), "--validate", str(dev), "--out", str(out)]
    command += ["--random-tests", "2"]
    assert main(command) == 0
    scores = json.loads((out / "ablation.json").read_text())["scores"]
    assert [one["name"] for one in scores] == list(SWITCHES)
    by_name = {one["name"]: one for one in scores}
    assert by_name["random"]["tests"] == 2 and by_name["whole"]["tests"] == 1
    assert by_name["ca"]["share_ca"] == 1 and by_name["skip"]["share_ca"] == 0
    assert set(by_name["filter"]["auc_of"]) == {"one"}
    text = (out / "ablation.md").read_text()
    assert capsys.readouterr().out.rstrip().endswith(text.rstrip())
    times = {file: file.stat().st_mtime_ns for file in (out / "runs").iterdir()}
    assert main([*command, "--variants", "whole,ca"]) == 0
    scores = json.loads((out / "ablation.json").read_text())["scores"]
    assert [one["name"] for one in scores] == ["whole", "ca"]
    assert {file: file.stat().st_mtime_ns for file in (out / "runs").iterdir()} == times
    assert main([*command, "--starts", "2"]) == 1
    assert "holds an ablation with another starts" in capsys.readouterr().err
    assert main([*command, "--random-tests", "3"]) == 1
    assert "holds an ablation with another random_tests" in capsys.readouterr().err


def test_tables_by_hand():
    def one(name, *values):
        named = dict(zip("abc", values, strict=False))
        auc = sum(values) / len(values)
        return {"name": name, "auc": auc, "auc_of": named, "precision": 0.7, "sr50": 0.6}

    scores = [one("whole", 0.5, 0.6, 0.7), one("skip", 0.4, 0.6, 0.5)]
    text = markdown({"model": "m", "validate": "dev", "starts": 1}, scores)
    assert "| as it is | 0.600 | – | 0.700 | 0.600 |" in text
    # -.1, 0 and -.2: mean -.1, deviation .1, over the root of 3.
    assert "| none (skip) | 0.500 | -0.100 ± 0.058 |" in text
    assert "SE always" not in text and "### Filter" not in text
    # One run says nothing of an error.
    text = markdown(
        {"model": "m", "validate": "dev", "starts": 1}, [one("whole", 0.5), one("skip", 0.4)]
    )
    assert "| none (skip) | 0.400 | -0.100 | 0.700 |" in text


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        ("dastm", ["--variants", "whole,half"], "variant 'half' is none of whole"),
        ("siamfc_st_tiny", [], "has no filter beside its network (siamfc): give DATA"),
        ("dastn", [], "is neither a .safetensors or .onnx file nor a shipped name"),
        ("dastm", ["--init", "a.pt"], "--init is about training, for which DATA is missing"),
        (
            "dastm",
            ["--frozen-norms"],
            "--frozen-norms is about training, for which DATA is missing",
        ),
        ("dastm_tiny", ["data", "--starts", "3"], "--starts is about weights as they are"),
        ("dastm", [], "holds no sequence"),
    ],
)
def test_bad_options_are_told_and_leave_nothing(tmp_path, capsys, model, options, told):
    empty, out = tmp_path / "dev", tmp_path / "out"
    empty.mkdir()
    command = ["ablate", "--model", model, "--validate", str(empty), "--out", str(out)]
    assert main([*command, *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error:") and told in error and not out.exists()


@pytest.fixture
def done(small, dev, tmp_path):
    """The command of an ablation that is done."""
    network, (architecture, _, tracking) = small
    path = tmp_path / "small.safetensors"
    save_network(path, network, architecture, tracking, {})
    command = ["ablate", "--model", str(path), "--out", str(tmp_path / "out")]
    command += ["--variants", "whole"]
    assert main([*command, "--validate", str(dev)]) == 0
    return command


DAMAGE = [b"x", b"{}", b"[]", b"[3]", b"3", b"\xff", b"[" * 100_000, b'{"name": "whole", "auc": 1}']


@pytest.mark.parametrize("name", ["settings.json", "runs/whole.json"])
def test_damaged_files_are_named(done, dev, tmp_path, capsys, name):
    path = tmp_path / "out" / name
    another = path.read_bytes().replace(b'"name": "whole"', b'"name": "skip"')
    for content in (*DAMAGE, *([another] if name.startswith("runs") else [])):
        path.write_bytes(content)
        capsys.readouterr()
        assert main([*done, "--validate", str(dev)]) == 1, content
        error = capsys.readouterr().err
        assert error.startswith("tracker-ros: error:") and error.count("\n") == 1, error
        assert str(path) in error or "holds an ablation with another" in error


def test_sequences_may_have_any_name(done, dev, tmp_path):
    odd = dev.rename(tmp_path / os.fsdecode(b"bs\xff"))
    assert main([*done, "--validate", str(odd), "--out", str(tmp_path / "other")]) == 0
    assert "bs\\udcff" in (tmp_path / "other/ablation.md").read_text(encoding="utf-8")


def test_sequences_are_known_by_what_they_are_not_by_where(done, dev, tmp_path, capsys):
    moved = tmp_path / "elsewhere" / "dev"
    moved.parent.mkdir()
    dev.rename(moved)
    assert main([*done, "--validate", str(moved)]) == 0
    (moved / "one" / "groundtruth_rect.txt").write_text("50,60,40,31\n" * 4)
    assert main([*done, "--validate", str(moved)]) == 1
    assert "holds an ablation with another validate: dev, 1 " in capsys.readouterr().err
