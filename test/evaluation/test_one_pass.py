from pathlib import Path

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import InputError, SourceError
from tracker_ros.core.gate import Gate
from tracker_ros.core.geometry.boxes import check_box
from tracker_ros.core.state import TargetState
from tracker_ros.core.trackable import Result
from tracker_ros.evaluation.metrics import success_auc
from tracker_ros.evaluation.one_pass import run_sequence
from tracker_ros.evaluation.peers import PEERS, Peer
from tracker_ros.evaluation.protocols import summary
from tracker_ros.sources.sequences import find_sequences, open_sequence

DEV = Path(__file__).parents[3] / "shared" / "data" / "dev"
GATE = Gate((0.1, 0.7, 0.1, 0.1), "se")


class Scripted:
    """A tracker that answers with given boxes; None is a lost frame, on which it stays put."""

    def __init__(self, answers):
        self._answers = iter(answers)
        self.started = []

    def init(self, image, box):
        assert image.dtype == np.uint8 and image.ndim == 3
        self.started.append(box)
        self.last_box = box

    def update(self, image):
        box = next(self._answers)
        if box is None:
            return Result(None, 0.1, TargetState.LOST, 1, GATE)
        self.last_box = box
        return Result(box, 0.9, TargetState.TRACKING, 0, GATE)


@pytest.fixture
def write_sequence(tmp_path):
    """Write an OTB folder with a bright square at each box of the truth."""

    def write(boxes, name="square", pictures=None, size=(48, 64)):
        folder = tmp_path / name
        (folder / "img").mkdir(parents=True)
        noise = np.random.default_rng(0).integers(0, 90, (*size, 3), np.uint8)
        texture = np.random.default_rng(1).integers(120, 255, (*size, 3), np.uint8)
        noise = cv2.blur(noise, (9, 9))
        texture = cv2.normalize(cv2.blur(texture, (9, 9)), None, 0, 255, cv2.NORM_MINMAX)
        for i in range(pictures or len(boxes)):
            image = noise.copy()
            if i < len(boxes) and not np.isnan(boxes[i]).any():
                x, y, w, h = map(int, boxes[i])
                image[y : y + h, x : x + w] = texture[:h, :w]
            cv2.imwrite(str(folder / "img" / f"{i + 1:04}.png"), image)
        lines = "\n".join(",".join(map(str, box)) for box in boxes)
        (folder / "groundtruth_rect.txt").write_text(lines)
        return folder

    return write


def test_one_pass_scores_every_frame(write_sequence):
    truth = [(2.0 * i, 5.0, 16.0, 16.0) for i in range(4)]
    folder = write_sequence(truth)
    (folder / "attributes.txt").write_text("occlusion, blur\n")
    tracker = Scripted([truth[1], None, truth[3]])
    frames = []
    run = run_sequence(tracker, open_sequence(folder), lambda: frames.append(1))
    assert len(frames) == 4
    assert tracker.started == [truth[0]]
    # The lost frame is scored with the last box: 14 of 18 columns overlap.
    np.testing.assert_array_equal(run.boxes, [truth[0], truth[1], truth[1], truth[3]])
    np.testing.assert_array_equal(run.lost, [False, False, True, False])
    np.testing.assert_array_equal(run.branches, [-1, 1, 1, 1])
    np.testing.assert_array_equal(run.gates[0], [np.nan] * 4)
    np.testing.assert_allclose(run.gates[1:], [GATE.weights] * 3, rtol=1e-6)
    assert run.size == (64, 48)
    assert run.attributes == ("occlusion", "blur")
    assert [Path(path).name for path in run.pictures] == [f"000{i}.png" for i in (1, 2, 3, 4)]
    result = summary("otb", [run])
    row = result["per_sequence"]["square"]
    assert row["auc"] == pytest.approx((20 * 3 + 16) / 21 / 4)
    assert row["precision"] == 1
    assert (row["frames"], row["lost"], row["absent"]) == (4, 1, 0)
    assert row["branches"] == {"se": 3}
    assert row["fps"] == pytest.approx(3 / run.seconds[1:].sum())


def test_a_first_box_outside_names_its_sequence(write_sequence):
    class Strict(Scripted):
        def init(self, image, box):
            check_box(box, image)

    folder = write_sequence([(9.0, 5.0, 16.0, 16.0)] * 2)
    (folder / "groundtruth_rect.txt").write_text("900,5,16,16\n" * 2)
    sequence = open_sequence(folder)
    with pytest.raises(InputError, match=r"square: box \(900, 5, 16, 16\) lies outside"):
        run_sequence(Strict([None]), sequence)


def test_pictures_of_another_size_are_named(write_sequence, caplog):
    truth = [(2.0 * i, 5.0, 16.0, 16.0) for i in range(4)]
    folder = write_sequence(truth)
    cv2.imwrite(str(folder / "img" / "0003.png"), np.zeros((24, 32, 3), np.uint8))
    run_sequence(Scripted(truth[1:]), open_sequence(folder))
    assert "64x48, were looked at as they are: 1, of which 0003.png is of 32x24" in caplog.text


def test_a_folder_is_a_sequence_or_holds_some(write_sequence):
    for name in ("s10", "s2"):
        folder = write_sequence([(0, 0, 10, 10)] * 2, name)
    assert [s.name for s in find_sequences(folder)] == ["s2"]
    assert [s.name for s in find_sequences(folder.parent)] == ["s2", "s10"]


def test_folders_that_hold_no_sequence(write_sequence, tmp_path, caplog):
    write_sequence([(0, 0, 10, 10)] * 2, "more", pictures=5)
    write_sequence([(float("nan"),) * 4, (0, 0, 10, 10)], "late")
    (tmp_path / "hollow").mkdir()
    for name, message in (
        ("more", "has 2 lines for 5 pictures"),
        ("late", "line 1 holds no box to start from"),
        ("hollow", "holds no sequence"),
        ("none", "is not a folder"),
    ):
        with pytest.raises(SourceError, match=message):
            find_sequences(tmp_path / name)
    assert not caplog.text  # the error says it all


@pytest.mark.parametrize("name", PEERS)
def test_peers_follow_a_square(write_sequence, name):
    truth = [(20.0 + 3 * i, 30.0, 48.0, 48.0) for i in range(15)]
    sequence = open_sequence(write_sequence(truth, size=(120, 160)))
    runs = [run_sequence(Peer(name), sequence).boxes for _ in range(6 if name == "mil" else 2)]
    still = success_auc([truth[0]] * 15, truth)
    assert any(success_auc(boxes, truth) > still + 0.2 for boxes in runs)
    if name != "mil":  # it draws its samples with a seed from the clock
        np.testing.assert_array_equal(*runs)


@pytest.mark.skipif(not DEV.is_dir(), reason="the dev sequences are not here")
def test_peers_reach_their_known_score_on_dev():
    """What `tracker-ros evaluate` says of KCF on the 25 sequences."""
    peer = Peer("kcf")
    result = summary("otb", (run_sequence(peer, s) for s in find_sequences(DEV)))
    assert result["auc"] == pytest.approx(0.319, abs=0.003)
    assert result["precision"] == pytest.approx(0.471, abs=0.003)
    assert result["per_sequence"]["vot13_bicycle"]["frames"] == 110
