"""What a training leaves to look at: rows, lines, a plot, TensorBoard's files."""

import csv
import sys

import cv2
import pytest

from tracker_ros.core.errors import TrackerError
from tracker_ros.training.records.log import TrainingLog
from tracker_ros.training.records.plot import plot_losses

TERMS = {"total": 3.0, "overlap": 0.5, "gate_skip": 0.25, "gate_se": 0.75}


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_is_the_mean_of_its_steps(tmp_path):
    lines = []
    log = TrainingLog(tmp_path / "log.csv", lines.append, every=2)
    for step in range(1, 6):
        log.add(step, step / 10, TERMS | {"total": float(step)}, 8, 0.0, 0)
    assert len(lines) == 2 and lines[1].startswith("step 4 (40.0 %): loss 3.500, IoU 0.500")
    assert "gate 0.25 0.75" in lines[1] and lines[1].endswith(" h left")
    head = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert head.startswith("step,progress,total,overlap,gate_skip,gate_se,samples_per_second")
    found = [(row["step"], row["progress"], row["total"]) for row in rows(tmp_path / "log.csv")]
    assert found == [("2", "0.2", "1.5"), ("4", "0.4", "3.5")]


def test_a_loss_without_gate_or_overlap_is_told_too(tmp_path):
    lines = []
    TrainingLog(tmp_path / "log.csv", lines.append, every=1).add(1, 0.5, {"total": 2.0}, 8, 0.0)
    assert lines[0].startswith("step 1 (50.0 %): loss 2.000, ") and "gate" not in lines[0]


def test_the_share_of_time_spent_waiting_is_told(tmp_path):
    lines = []
    log = TrainingLog(tmp_path / "log.csv", lines.append, every=1)
    log.add(1, 0.5, TERMS, 8, waited=1e9)
    assert float(rows(tmp_path / "log.csv")[0]["waiting"]) > 1 and "waiting " in lines[0]


def test_rows_of_steps_that_come_again_are_dropped(tmp_path):
    path = tmp_path / "log.csv"
    log = TrainingLog(path, str, every=1)
    for step in (1, 2, 3):
        log.add(step, step / 10, TERMS, 8, 0.0)
        log.validated(step, step / 10, {"auc": 0.5})
    with open(path, "a") as file:
        file.write("4,0.4,")  # the power went off
    again = TrainingLog(path, str, every=1, step=2)
    for table in (path, again.validations):
        assert [row["step"] for row in rows(table)] == ["1", "2"]
    TrainingLog(path, str, every=1, step=0)
    assert not path.exists()


@pytest.mark.parametrize("name", ("log.csv", "validation.csv"))
@pytest.mark.parametrize(
    "content",
    [
        b"step,progress,auc\nabc,1,0.5\n",  # no step
        b"\xff\xfe\x00\n\x00\n",  # no UTF-8
        b"step,progress,auc\n1,0.1,\0\0\n",
        b"step,progress,auc\n1,0.1\n",  # too short
        b"st,progress,auc\n1,0.1,0.5\n",
    ],
)
def test_a_damaged_log_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    told = rf"{name} is damaged; delete it, and the run goes on"
    with pytest.raises(TrackerError, match=told):
        TrainingLog(tmp_path / "log.csv", str, step=1)
    assert (tmp_path / name).read_bytes() == content
    with pytest.raises(TrackerError, match=told):
        plot_losses(tmp_path)


def test_the_plot_shows_losses_and_validations(tmp_path):
    plot_losses(tmp_path)
    assert not (tmp_path / "loss.png").exists()  # nothing to show
    log = TrainingLog(tmp_path / "log.csv", str, every=1)
    sizes = []
    for step in (1, 2, 3):
        log.add(step, step / 10, TERMS | {"total": 4.0 - step}, 8, 0.0)
        log.validated(step, step / 10, {"auc": step / 4})
        plot_losses(tmp_path)
        image = cv2.imread(str(tmp_path / "loss.png"))
        assert image.shape == (700, 800, 3)
        sizes.append(int((image < 100).any(2).sum()))
    assert sizes[0] < sizes[-1]  # lines have been drawn


def test_a_run_is_plotted_at_its_checkpoints(trainer, tmp_path):
    lines = []
    trainer(tmp_path, log_every=2).run(lines.append)
    assert (tmp_path / "loss.png").is_file() and len(rows(tmp_path / "log.csv")) == 3
    assert lines[0].startswith("step 2 (33.3 %): loss ")


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed here")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TrainingLog(tmp_path / "log.csv", str, every=1, tensorboard=True) as log:
        log.add(1, 0.1, TERMS, 8, 0.0)
        log.validated(1, 0.1, {"auc": 0.5})
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Scalars("log/total")[0].value == 3.0
    assert events.Scalars("validation/auc")[0].step == 1


def test_without_the_package_tensorboard_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # as where it is not installed
    told = "--tensorboard needs the Python package 'tensorboard', which is not here"
    with pytest.raises(TrackerError, match=told):
        TrainingLog(tmp_path / "log.csv", str, tensorboard=True)


def test_a_row_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "log.csv").mkdir()
    log = TrainingLog(tmp_path / "else.csv", str, every=1)
    log.path = tmp_path / "log.csv"
    with pytest.raises(TrackerError, match=r"log\.csv cannot be written: Is a directory"):
        log.add(1, 0.1, TERMS, 8, 0.0)
