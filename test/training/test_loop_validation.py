"""Validation: the real evaluation of the averaged weights, which leaves the training as it is."""

import csv
import shutil

import pytest
import torch

from tracker_ros.core.errors import SourceError
from tracker_ros.training.records import checkpoint
from tracker_ros.training.scores import score_weights


def quiet(_):
    pass


@pytest.fixture
def sequences(one_clip):
    return one_clip[1]


def scores(out):
    with open(out / "validation.csv", newline="") as file:
        return [(int(row["step"]), float(row["auc"])) for row in csv.DictReader(file)]


def test_validation_changes_nothing_and_keeps_the_best(trainer, sequences, tmp_path):
    plain = trainer(tmp_path / "plain", dies_at=6)
    plain.run(quiet)
    lines = []
    run = trainer(tmp_path / "run", validate=sequences, validate_every=2)
    run.run(lines.append)
    assert run.losses == plain.losses
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])

    found = scores(tmp_path / "run")
    assert [step for step, _ in found] == [2, 4, 6]
    assert all(0 <= auc <= 1 for _, auc in found)
    step, auc = max(found, key=lambda row: (row[1], -row[0]))
    best, last = (checkpoint.load(tmp_path / "run" / f"{name}.pt") for name in ("best", "last"))
    assert best["best"] == last["best"] == {"step": step, "auc": pytest.approx(auc)}
    assert best["step"] == step and last["step"] == 6
    assert sum(line.startswith("step 4: validation auc ") for line in lines) == 1
    with open(tmp_path / "run" / "validation.csv", newline="") as file:
        row = next(csv.DictReader(file))
    assert sum(float(row[f"share_{name}"]) for name in ("skip", "se", "ca", "cbam")) == 1


def test_it_is_the_averaged_weights_that_are_scored(trainer, sequences, tmp_path):
    run = trainer(tmp_path, validate=sequences, steps=1)
    run.run(quiet)
    (first,) = scores(tmp_path)
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.fill_(torch.nan)  # not these
    again = score_weights(run.average.state, run.preset, sequences, "cpu")
    assert again["precision"] <= 1 and again["auc"] == first[1] == run.best["auc"]


def test_a_resumed_run_knows_the_best_so_far(trainer, sequences, tmp_path):
    values = {"validate": sequences, "validate_every": 3}
    whole = trainer(tmp_path / "whole", **values)
    whole.run(quiet)
    first = trainer(tmp_path / "run", dies_at=4, **values)
    with pytest.raises(trainer.Killed):
        first.run(quiet)
    second = trainer(tmp_path / "run", **values)
    assert second.best == first.best
    second.run(quiet)
    assert second.best == whole.best
    assert scores(tmp_path / "run") == scores(tmp_path / "whole")


def test_scores_on_other_sequences_are_not_compared(trainer, sequences, tmp_path, caplog):
    values = {"validate_every": 3, "validate": sequences}
    trainer(tmp_path / "run", steps=3, **values).run(quiet)
    other = tmp_path / "other" / sequences.name
    shutil.copytree(sequences, other)
    assert trainer(tmp_path / "run", **values | {"validate": other}).best  # moved, but the same
    truth = other / "square/groundtruth_rect.txt"
    truth.write_text("0,0,9,9\n" * 10)  # which no tracker would find
    run = trainer(tmp_path / "run", **values | {"validate": other})
    assert run.best is None and "best.pt is of otb" in caplog.text
    run.run(quiet)
    assert run.best["step"] == 6 == checkpoint.load(tmp_path / "run/best.pt")["step"]


def test_a_finished_run_is_validated_where_it_was_not(trainer, sequences, tmp_path, caplog):
    trainer(tmp_path, steps=2).run(quiet)
    for _ in range(2):
        run = trainer(tmp_path, steps=2, validate=sequences)
        run.run(quiet)
        assert checkpoint.load(tmp_path / "best.pt")["step"] == run.best["step"] == 2
        assert checkpoint.load(tmp_path / "last.pt")["best"] == run.best
        (tmp_path / "best.pt").unlink()
        caplog.clear()
    assert trainer(tmp_path, steps=2, validate=sequences).best is None
    assert "best.pt is gone" in caplog.text


def test_a_folder_without_sequences_is_told_before_the_training(trainer, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="empty"):
        trainer(tmp_path / "run", validate=tmp_path / "empty")
    assert not (tmp_path / "run").exists()
