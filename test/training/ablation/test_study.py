"""The ablations on miniature data: what is trained, scored, gone on with, and written."""

import csv
import json

import cv2
import numpy as np
import pytest
import torch

from tracker_ros.commands import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ParameterError
from tracker_ros.networks.architectures.dastm import Dastm, DastmConfig
from tracker_ros.networks.blocks.gate import MODES
from tracker_ros.training.ablation import study as ablation
from tracker_ros.training.ablation.tables import markdown, values
from tracker_ros.training.ablation.variants import COMPARED, attention
from tracker_ros.training.optimisation.attention_cost import frame_costs, measure_parts

SIZES = {"widths": (8, 8, 16, 24), "depths": (1, 1, 1), "channels": 16, "head_channels": 16}
TRACKING = TrackingConfig(query_size=64, memory_size=48)


@pytest.fixture
def dev(tmp_path):
    """Two sequences of a bright square that moves."""
    rng = np.random.default_rng(0)
    for name, pace in (("slow", 1), ("fast", 5)):
        home = tmp_path / "dev" / name
        (home / "img").mkdir(parents=True)
        boxes = [(40 + pace * i, 50, 40, 40) for i in range(4)]
        for i, (x, y, w, h) in enumerate(boxes):
            image = rng.integers(0, 50, (150, 200, 3), np.uint8)
            image[y : y + h, x : x + w] = rng.integers(190, 255, (h, w, 3), np.uint8)
            cv2.imwrite(str(home / "img" / f"{i}.png"), image)
        text = "\n".join(",".join(map(str, box)) for box in boxes)
        (home / "groundtruth_rect.txt").write_text(text)
    return tmp_path / "dev"


@pytest.fixture
def command(shards, dev, tmp_path):
    """Runs `tracker-ros ablate` on a tiny network; further options replace the default ones."""

    def run(*more, data=shards):
        sizes = ("widths=8,8,16,24", "depths=1,1,1", "channels=16", "head_channels=16")
        arguments = ["ablate", str(data), "--model", "dastm_tiny", "--validate", str(dev)]
        arguments += ["--out", str(tmp_path / "out")]
        for size in (*sizes, "head_depth=1"):
            arguments += ["--network", size]
        for size in ("query_size=64", "memory_size=48", "lost_score=0", "memory_score=0"):
            arguments += ["--tracking", size]
        options = ["--steps", "2", "--batch", "2", "--workers", "0", "--seeds", "0,1"]
        return main([*arguments, *options, "--random-tests", "2", *more])

    return run


def test_variants_are_trained_scored_and_written_once(command, tmp_path, capsys, monkeypatch):
    assert command("--variants", "skip,hard,hard@0.5", "--seeds", "0") == 0
    out = tmp_path / "out"
    records = json.loads((out / "ablation.json").read_text())["scores"]
    tested = [(one["variant"], one["test"], one["tests"]) for one in records]
    assert tested == [
        ("skip", "skip", 1),
        ("hard", "hard", 1),
        ("hard", "random", 2),
        ("hard@0.5", "hard", 1),
    ]
    for one in records:
        assert 0 <= one["auc"] <= 20 / 21 and set(one["auc_of"]) == {"slow", "fast"}
        assert one["auc"] == pytest.approx(np.mean(list(one["auc_of"].values())))
        shares = [one[f"share_{name}"] for name in ("skip", "se", "ca", "cbam")]
        assert sum(shares) == pytest.approx(1) and one["high_computation"] == shares[-1]
        assert one["fps"] > 0 and one["ms_memory"] > 0
    with (out / "ablation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["auc"]) for row in rows] == [one["auc"] for one in records]
    assert cv2.imread(str(out / "ablation.png")).shape[1] > 400
    text = (out / "ablation.md").read_text()
    assert capsys.readouterr().out.rstrip().endswith(text.rstrip())
    assert "1 of at least 3 seeds" in text and "dynamic, budget 0.5" in text
    assert "| SE | not run |" in text

    # Another seed joins; what is there is neither trained nor scored again.
    trained = []

    class Noted(ablation.Trainer):
        def run(self, *args):
            trained.append((self.preset.network.gate, self.config.seed))
            super().run(*args)

    monkeypatch.setattr(ablation, "Trainer", Noted)
    assert command("--variants", "skip,hard") == 0
    assert trained == [("skip", 1), ("hard", 1)]
    again = json.loads((out / "ablation.json").read_text())["scores"]
    assert again[:3] == records[:3] and len(again) == 6
    assert "±" in (out / "ablation.md").read_text()

    # Other settings do not mix with these.
    assert command("--variants", "skip", "--steps", "3") == 1
    told = "holds an ablation with another training: {'steps': 2}, not {'steps': 3}; give"
    assert told in capsys.readouterr().err


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_killed_ablation_goes_on(command, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ablation, "score_weights", interrupted)
        assert command("--variants", "se", "--seeds", "4") == 130
    assert not (tmp_path / "out/ablation.json").exists()
    trained = (tmp_path / "out/runs/se-4/last.pt").stat().st_mtime_ns
    assert command("--variants", "se", "--seeds", "4") == 0
    assert (tmp_path / "out/ablation.json").exists()
    assert (tmp_path / "out/runs/se-4/last.pt").stat().st_mtime_ns == trained


def test_variants_start_from_the_same_weights(command, shards, tmp_path, monkeypatch):
    assert command("--variants", "static", "--seeds", "3") == 0
    start = tmp_path / "out/runs/static-3/last.pt"
    given = torch.load(start, weights_only=True)["average"]
    started = []

    class Noted(ablation.Trainer):
        def run(self, *args):
            started.append({name: v.clone() for name, v in self.model.state_dict().items()})
            super().run(*args)

    monkeypatch.setattr(ablation, "Trainer", Noted)
    other = ("--init", str(start), "--out", str(tmp_path / "other"), "--seeds", "0")
    assert command("--variants", "skip,cbam", *other) == 0
    for state in started:
        shared = [name for name in state if name in given]
        assert len(shared) > 20 and all(torch.equal(state[n], given[n]) for n in shared)


def test_finished_runs_are_of_these_weights_and_these_sequences(command, dev, tmp_path, capsys):
    def told(*options):
        capsys.readouterr()
        code = command("--seeds", "0", *options)
        return code, capsys.readouterr().err

    assert told("--variants", "skip")[0] == 0
    start = tmp_path / "last.pt"
    start.write_bytes((tmp_path / "out/runs/skip-0/last.pt").read_bytes())
    later = ("--variants", "skip", "--init", str(start), "--out", str(tmp_path / "later"))
    assert told(*later)[0] == 0
    content = torch.load(start, weights_only=True)
    torch.save(content | {"step": 3}, start)
    code, error = told(*later)
    assert code == 1 and "holds an ablation with another start: last.pt (" in error
    (dev / "slow" / "groundtruth_rect.txt").write_text("41,50,40,40\n" * 4)
    code, error = told("--variants", "skip")
    assert code == 1 and "holds an ablation with another validate: dev, 2 " in error


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--variants", "skip,firm"], "variant 'firm' is none of hard"),
        (["--variants", "hard@2"], "variant 'hard@2'"),
        (["--variants", "se@0.5"], "variant 'se@0.5'"),
        (["--model", "siamfc"], "no paper's table is about siamfc"),
        (["--model", "dastm"], "no paper's table is about dastm_filter"),
        (["--device", "cuda:99"], "torch does not find it here"),
        (["--validate", "nowhere"], "is not a folder"),
        (["--seeds", "0," + "9" * 23], "--seed is 99999999999999999999999, not"),
        (["--init", "nowhere"], "checkpoint nowhere does not exist"),
        (["--network", "gate=soft"], "--network gate has no effect: the variants differ in it"),
        (["--network", "gate_reduction=200"], "these values make no dastm: attention."),
    ],
)
def test_bad_options_are_told_and_leave_nothing(command, tmp_path, capsys, options, told):
    assert command(*options) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error:") and told in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_variant_is_named_once(command, capsys):
    for names in ("skip,se,skip", "skip,,se"):
        with pytest.raises(SystemExit):
            command("--variants", names)
        assert f"{names!r} is no list of different names" in capsys.readouterr().err


def test_data_that_are_not_there_leave_nothing(command, tmp_path, capsys):
    assert command(data=tmp_path / "nowhere") == 1
    assert "nowhere is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_default_variants_are_those_of_the_tables():
    assert {attention(name).network["gate"] for name in COMPARED} == set(MODES)
    quarter = attention("hard@0.25")
    assert (quarter.name, quarter.network) == ("hard@0.25", {"gate": "hard"})
    assert quarter.losses["budget"] == 0.25
    with pytest.raises(ParameterError, match=r"variant 'hard@x'"):
        attention("hard@x")


def test_costs_are_those_of_what_is_computed():
    parts = measure_parts(Dastm(DastmConfig(**SIZES)).eval(), TRACKING)
    assert all(part["ms"] > 0 for part in parts.values())
    assert parts["gate"]["macs"] == 16 * 4 + 4 * 4
    assert parts["se"]["macs"] == 2 * 16 * 4  # two matrices of 16 channels and 4 inside
    # Two passes of the shared MLP, and 7x7 over two maps of 6x6 cells.
    assert parts["cbam"]["macs"] == 2 * 2 * 16 * 4 + 36 * 49 * 2
    assert parts["features"]["macs"] > 50 * parts["cbam"]["macs"]
    parts = {name: {"macs": 10**i, "ms": 2.0**i} for i, name in enumerate(
        ("features", "gate", "se", "ca", "cbam")
    )}  # fmt: skip
    baseline = frame_costs(parts, [1, 0, 0, 0], gated=False)
    assert baseline["macs_attention"] == baseline["ms_attention"] == 0
    assert (baseline["macs_memory"], baseline["ms_memory"]) == (1, 1.0)
    assert frame_costs(parts, [0, 1, 1, 1], gated=False)["macs_attention"] == 11100
    chosen = frame_costs(parts, [0.5, 0, 0.25, 0.25], gated=True)
    assert chosen["macs_memory"] == pytest.approx(1 + 10 + 250 + 2500)
    assert chosen["ms_attention"] == pytest.approx(2 + 2 + 4)


def score(variant, test, seed, auc):
    return {"variant": variant, "test": test, "seed": seed, "auc": auc, "fps": 10.0}


def test_tables_by_hand():
    scores = [
        *(score("skip", "skip", seed, auc) for seed, auc in enumerate((0.5, 0.6, 0.7))),
        *(score("se", "se", seed, auc) for seed, auc in enumerate((0.51, 0.62, 0.73))),
        *(score("hard", "random", seed, 0.4) for seed in range(3)),
    ]
    assert values(scores, "se", "se", "difference", ("skip", "skip")) == pytest.approx(
        [0.01, 0.02, 0.03]
    )
    settings = {"architecture": "dastm", "training": {"steps": 7, "batch": 2}, "data": ["x"],
                "validate": "dev", "start": None, "backbone": "trunk.pt"}  # fmt: skip
    text = markdown(settings, scores)
    assert "| SE | 0.620 ± 0.110 | +0.020 ± 0.010 | not run" in text
    assert "| none (baseline) | 0.600 ± 0.100 | +0.000 ± 0.000 |" in text
    assert "| gate in training, random in test | 0.400 ± 0.000 | -0.200 ± 0.100 |" in text
    assert "start trunk.pt" in text and "seeds: the spread" not in text and "peak" not in text


@pytest.mark.parametrize("name", ["costs.json", "runs/skip-0/scores.json", "settings.json"])
def test_damaged_files_are_named(command, tmp_path, capsys, name):
    chosen = ("--variants", "skip", "--seeds", "0")
    assert command(*chosen) == 0
    path = tmp_path / "out" / name
    another = path.read_bytes().replace(b'"seed": 0', b'"seed": 1')
    damage = [b"x", b"{}", b"[]", b"[{}]", b"3", b"\xff", b'{"se": {"ms": 1}}']
    for content in (*damage, *([another] if name.startswith("runs") else [])):
        path.write_bytes(content)
        capsys.readouterr()
        assert command(*chosen) == 1, content
        error = capsys.readouterr().err
        assert error.startswith("tracker-ros: error:") and error.count("\n") == 1, error
        assert str(path) in error or "holds an ablation with another" in error
