import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from test.evaluation.vot.vot_run import evaluate_vot
from tracker_ros.core.errors import InputError, SourceError
from tracker_ros.evaluation.vot import measures
from tracker_ros.evaluation.vot.scores import summary
from tracker_ros.evaluation.vot.sequences import VotSequence, find_vot_sequences
from tracker_ros.evaluation.vot.supervised import (
    FAILED,
    STARTED,
    TRACKED,
    UNKNOWN,
    Pass,
    SupervisedRun,
    run_pass,
)

BOX = (10.0, 10.0, 8.0, 8.0)
AWAY = (50.0, 10.0, 8.0, 8.0)
SIZE = (64, 40)
HALF = (10.0, 10.0, 8.0, 4.0)  # overlap 1/2


def shown_by(image):
    """The number of the frame, which is in its brightness."""
    return int(image[0, 0, 0]) // 4


class Scripted:
    """Answers with the boxes of `script`, by the number of the frame that the picture shows."""

    def __init__(self, script):
        self._script = script
        self.log = []

    def init(self, image, box):
        self.log.append(("init", shown_by(image), box))
        self.last_box = box

    def update(self, image):
        frame = shown_by(image)
        self.log.append(("update", frame))
        self.last_box = self._script.get(frame, BOX)


@pytest.fixture
def write(tmp_path):
    """Write a sequence of `count` pictures whose truth is BOX."""

    def write(count, name="one", tags=None, pictures="color"):
        folder = tmp_path / name
        (folder / pictures).mkdir(parents=True)
        for i in range(count):
            picture = np.full((SIZE[1], SIZE[0], 3), 4 * i, np.uint8)
            picture[10:18, 10:18] = 200
            cv2.imwrite(str(folder / pictures / f"{i + 1:08}.png"), picture)
        (folder / "groundtruth.txt").write_text("10,10,8,8\n" * count)
        for tag, frames in (tags or {}).items():
            lines = ["1" if i in frames else "0" for i in range(max(frames) + 1)]
            (folder / f"{tag}.tag").write_text("\n".join(lines))
        return folder

    return write


def test_a_lost_target_is_given_back_after_five_frames(write):
    tracker = Scripted({12: AWAY, 13: AWAY, 20: HALF, 28: AWAY})
    run = run_pass(tracker, Pass(VotSequence(write(30))))
    starts = [entry[1:] for entry in tracker.log if entry[0] == "init"]
    assert starts == [(0, BOX), (17, BOX)]  # and none after frame 28: the sequence ends before 33
    shown = [entry[1] for entry in tracker.log if entry[0] == "update"]
    assert shown == [*range(1, 13), *range(18, 29)]
    expected = [STARTED, *[TRACKED] * 11, FAILED, *[UNKNOWN] * 4, STARTED, *[TRACKED] * 10, FAILED]
    assert run.status.tolist() == [*expected, UNKNOWN]
    assert run.overlaps[[0, 1, 12, 17, 20, 28, 29]].tolist() == [0, 1, 0, 0, 0.5, 0, 0]
    assert np.isnan(run.boxes).any(1).tolist() == [s == UNKNOWN for s in run.status]
    assert ((run.seconds > 0) == (run.status != UNKNOWN)).all()
    # Past the burn-in are frames 10 and 11, and 27, of overlap 1 each.
    assert np.flatnonzero(measures.counted(run)).tolist() == [10, 11, 27]
    assert measures.accuracy(run) == 1
    assert measures.failures(run) == 2


def test_pictures_of_another_size_are_told_once(write, caplog):
    folder = write(20)
    small = np.zeros((20, 32, 3), np.uint8)
    for frame in (6, 8):
        cv2.imwrite(str(folder / "color" / f"{frame:08}.png"), small)
    evaluate_vot(lambda: Scripted({}), folder)
    (told,) = caplog.messages
    assert told == (
        "one: pictures of another size than the target's first, 64x40, were looked at as they are:"
        " 2, of which 00000006.png is of 32x20"
    )


def made(overlaps, failures=(), starts=(0,), unknown=()):
    """A run with these overlaps."""
    overlaps = np.array(overlaps, float)
    status = np.full(len(overlaps), TRACKED, np.int8)
    for value, frames in ((FAILED, failures), (STARTED, starts), (UNKNOWN, unknown)):
        status[list(frames)] = value
    boxes = np.ones((len(overlaps), 4))
    seconds = (status != UNKNOWN).astype(float)
    return SupervisedRun(status, boxes, boxes, overlaps, seconds)


def test_accuracy_leaves_out_the_burn_in():
    assert measures.accuracy(made([0, *[1] * 9, 0.5, 0.25])) == pytest.approx(0.375)
    assert measures.accuracy(made([0, *[1] * 9])) == 0


def test_expected_average_overlap_by_hand():
    whole = made([0, 0.8, 0.4])  # averages .8, .6; then it is unknown
    lost = made([0, 0.5, 0, 0, 0, 0, 0, 0.2], failures=[2], starts=[0, 7], unknown=[3, 4, 5, 6])
    # The fragments of `lost`: .5 and then 0 for ever; and a start at the sequence's end.
    assert measures.eao_curve([whole]) == pytest.approx([0, 0.8, 0.6])
    assert measures.eao_curve([whole, lost]) == pytest.approx(
        [0, (0.8 + 0.5) / 2, (0.6 + 0.25) / 2]
    )
    longer = made([0, 1, 1, 1, 0, 1, 1], failures=[4])
    assert measures.eao_curve([longer]) == pytest.approx([0, 1, 1, 1])
    assert measures.eao_curve([longer, made([0] * 7)])[4:] == pytest.approx([3 / 8, 3 / 10, 3 / 12])


def test_the_score_is_the_mean_of_the_curve_from_100_to_356():
    curve = np.zeros(500)
    curve[100], curve[356], curve[99], curve[357] = 0.257, 0.257, 9, 9
    assert measures.eao(curve) == pytest.approx(0.002)
    assert measures.eao(curve[:101]) == pytest.approx(0.257)
    assert measures.eao(curve[:100]) is None


def test_scores_of_a_set(write, tmp_path):
    sequences = [
        VotSequence(write(20, "a", {"occlusion": [11, 12, 13]})),
        VotSequence(write(60, "b", {"occlusion": [0], "camera_motion": [30, 40]})),
    ]
    runs = {
        "a": [
            made([0, *[0.5] * 19]),
            made([0, *[0.5] * 11, 0, *[0] * 7], [12], [0, 17], [13, 14, 15, 16]),
        ],
        "b": [made([0, *[1] * 59])] * 2,
    }
    scores = summary(sequences, runs)
    json.dumps(scores)
    assert scores["per_sequence"]["a"]["accuracy"] == pytest.approx(0.5)
    assert scores["accuracy"] == pytest.approx((0.5 * 20 + 1 * 60) / 80)
    assert scores["failures"] == 0.5
    assert scores["robustness"] == pytest.approx(100 * 0.5 / 80)
    assert scores["toolkit_robustness"] == pytest.approx(0.5 * 20 / 80)
    assert scores["eao"] is None
    assert scores["repetitions"] == 2
    assert scores["fps"] == 1
    assert scores["per_tag"] == {
        "camera_motion": {"accuracy": 1, "failures": 0, "frames": 2},
        # Frames 11 to 13 of the first pass, 11 of the second.
        "occlusion": {"accuracy": 0.5, "failures": 0.5, "frames": 4},
    }


def test_our_tracker_goes_through_the_protocol(model, write):
    from tracker_ros import load_tracker

    scores = evaluate_vot(lambda: load_tracker(model), write(20))
    assert scores["repetitions"] == 1
    assert scores["frames"] == 20 and scores["fps"] > 0


def test_a_tracker_that_does_not_start_is_named(write):
    class Refusing(Scripted):
        def init(self, image, box):
            super().init(image, box)
            if len(self.log) > 1:
                raise InputError("too small")

    with pytest.raises(InputError, match="one frame 8: too small"):
        run_pass(Refusing({2: AWAY}), Pass(VotSequence(write(10))))


def test_a_run_comes_back_as_it_was(tmp_path):
    before = replace(made([0, 0.5, 0.25]), seconds=np.array([0.1, 0.2, 0.3]))
    path = tmp_path / "dastm" / "a_001.npz"
    before.save(path)
    after = SupervisedRun.load(path)
    for name, value in vars(before).items():
        np.testing.assert_array_equal(getattr(after, name), value)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceError, match=r"a_001\.npz is not a VOT result"):
        SupervisedRun.load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boxes": np.zeros((2, 4))}, "boxes: float64 .2, 4. for 3 frames"),
        ({"status": np.array(["a", "b", "c"])}, "status: <U1 .3. for 3 frames"),
        ({"status": np.full(3, 7, np.int8)}, "status has a value without meaning"),
        ({"status": np.zeros(3, np.int8)}, "it was never started"),
        ({"overlaps": np.full(3, np.nan)}, "a value is not finite"),
        ({"truth": np.zeros(3)}, "ValueError"),
    ],
)
def test_a_run_of_other_arrays(tmp_path, change, words):
    path = tmp_path / "a_001.npz"
    replace(made([0, 0.5, 0.25]), **change).save(path)
    with pytest.raises(SourceError, match=rf"a_001\.npz is not a VOT result.*{words}"):
        SupervisedRun.load(path)


def test_the_layout(write, tmp_path):
    write(3, "b")
    write(4, "a", {"occlusion": [1]}, pictures=".")
    assert [s.name for s in find_vot_sequences(tmp_path)] == ["a", "b"]
    (tmp_path / "list.txt").write_text("b\na\n")
    b, a = find_vot_sequences(tmp_path)
    assert (b.name, len(b), a.name, len(a)) == ("b", 3, "a", 4)
    assert a.size == SIZE
    assert a.boxes.tolist() == [list(BOX)] * 4
    assert a.tags["occlusion"].tolist() == [False, True, False, False]
    assert shown_by(a.image(2)) == 2
    assert [s.name for s in find_vot_sequences(tmp_path / "a")] == ["a"]


def test_what_does_not_fit_is_named(write, tmp_path):
    folder = write(3)
    for name, text, message in (
        ("occlusion.tag", "0\n2\n", r"occlusion\.tag line 2 is neither 0 nor 1: '2'"),
        ("occlusion.tag", "0\n" * 4, r"occlusion\.tag has 4 lines for 3 frames"),
        ("groundtruth.txt", "1,2,3,4\n", r"groundtruth\.txt has 1 lines for 3 pictures"),
    ):
        (folder / name).write_text(text)
        with pytest.raises(SourceError, match=message):
            VotSequence(folder)
    (tmp_path / "list.txt").write_text("gone\n")
    with pytest.raises(SourceError, match="gone"):
        find_vot_sequences(tmp_path)
    (tmp_path / "list.txt").write_text("\n")
    with pytest.raises(SourceError, match=r"list\.txt is empty"):
        find_vot_sequences(tmp_path)
    with pytest.raises(SourceError, match="nowhere is not a folder"):
        find_vot_sequences(tmp_path / "nowhere")


def test_a_damaged_picture_is_named(write):
    sequence = VotSequence(write(5))
    cv2.imwrite(str(sequence.paths[3]), np.zeros((8, 8, 3), np.uint8))
    sequence.paths[3].write_bytes(sequence.paths[3].read_bytes()[:50])
    with pytest.raises(SourceError, match=r"00000004\.png is not a picture"):
        run_pass(Scripted({}), Pass(sequence))
