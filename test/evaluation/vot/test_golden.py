"""The numbers of vot-toolkit 0.9.0 for a VOT set in miniature and a tracker that answers by heart.

They come from the toolkit's own supervised experiment (2 repetitions, skip_initialize 5) and its
analyses supervised_average_ar and supervised_eao_score (100 to 356) on what `write_set` writes. The
toolkit is GPL-3, so it is neither a dependency nor part of the tests.

The pictures show nothing but the number of their sequence and frame, which the tracker reads.
"""

from functools import cache

import cv2
import numpy as np
import pytest

from test.evaluation.vot.vot_run import evaluate_vot
from tracker_ros.evaluation.vot.sequences import find_vot_sequences
from tracker_ros.evaluation.vot.supervised import repetitions_needed

SIZE = (96, 72)
LENGTHS = {"long": 400, "boxes": 150, "short": 60}
MISSES = {"long": 0.004, "boxes": 0.02, "short": 0.06}  # how often the target is lost
BAND = 24

AVERAGE = {"accuracy": 0.5546065508926035, "toolkit_robustness": 1.6311475409836065}
PER_SEQUENCE = {  # accuracy, failures
    "long": (0.5500561220623501, 0.5),
    "boxes": (0.5643973613563288, 3.5),
    "short": (0.5604657169349792, 4.5),
}
EAO = 0.10422304255901556
CURVE = {
    0: 0.0,
    1: 0.4695323308308919,
    10: 0.4172580809820266,
    100: 0.1490652428732978,
    200: 0.10612726873821682,
    300: 0.08940770890977648,
    356: 0.08429946502049764,
    399: 0.07859956555896336,
}


def write_set(folder):
    """Write the set into `folder`: polygons, but rectangles in "boxes"."""
    for index, (name, length) in enumerate(LENGTHS.items()):
        pictures = folder / name / "color"
        pictures.mkdir(parents=True)
        for i in range(length):
            write_picture(pictures / f"{i + 1:08}.jpg", (index, i // 256, i // 16 % 16, i % 16))
        lines = [",".join(f"{v:.3f}" for v in region) for region in truth(name)]
        (folder / name / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    (folder / "list.txt").write_text("\n".join(LENGTHS) + "\n")


def write_picture(path, digits):
    columns = np.repeat(np.array(digits) * 16 + 8, BAND).astype(np.uint8)
    cv2.imwrite(str(path), np.tile(columns, (SIZE[1], 1)))


def read_picture(image):
    """The numbers of sequence and frame that `write_picture` hid in `image`."""
    index, *digits = image[SIZE[1] // 2, BAND // 2 :: BAND, 0] // 16
    return int(index), int(np.dot(digits, (256, 16, 1)))


@cache
def truth(name):
    """A target that wanders over the picture, partly outside: one region a frame."""
    rng = np.random.default_rng(len(name))
    time = np.arange(LENGTHS[name]) / 40
    regions = []
    for t in time:
        centre = np.array([48 + 44 * np.sin(t), 36 + 24 * np.cos(0.7 * t)])
        half = np.array([11, 8]) * (1 + 0.3 * np.sin(2 * t)) + rng.uniform(-0.5, 0.5, 2)
        if name == "boxes":
            regions.append([*(centre - half), *(2 * half)])
        else:
            turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
            regions.append((corners @ turn + centre).ravel())
    return np.array(regions)


class ByHeart:
    """Answers with the truth's bounding box, shifted at random, now and then far away.

    stochastic: whether it answers otherwise each time it goes through a sequence.
    """

    def __init__(self, stochastic=True):
        self._stochastic = stochastic
        self._passes = dict.fromkeys(LENGTHS, 0)
        self._shifts = {}

    def init(self, image, box):
        name, frame = self._where(image)
        if frame == 0:
            self._passes[name] += 1
            seed = [len(name), self._passes[name] if self._stochastic else 1]
            rng = np.random.default_rng(seed)
            shifts = rng.normal(0, 3, (LENGTHS[name], 4))
            shifts[rng.random(LENGTHS[name]) < MISSES[name], :2] += 200
            self._shifts[name] = shifts
        self.last_box = box

    def update(self, image):
        name, frame = self._where(image)
        region = truth(name)[frame]
        box = region
        if len(region) == 8:
            points = region.reshape(4, 2)
            box = np.concatenate((points.min(0), np.ptp(points, axis=0)))
        self.last_box = tuple(np.round(box + self._shifts[name][frame], 3).tolist())

    @staticmethod
    def _where(image):
        index, frame = read_picture(image)
        return list(LENGTHS)[index], frame


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vot")
    write_set(folder)
    return evaluate_vot(ByHeart, folder, repetitions=2)


def test_accuracy_and_failures(scores):
    found = {
        name: (row["accuracy"], row["failures"]) for name, row in scores["per_sequence"].items()
    }
    assert list(found) == list(PER_SEQUENCE)
    for name, expected in PER_SEQUENCE.items():
        assert found[name] == pytest.approx(expected, abs=1e-9)
    assert {key: scores[key] for key in AVERAGE} == pytest.approx(AVERAGE, abs=1e-9)
    assert scores["robustness"] == pytest.approx(100 * 8.5 / 610)


def test_expected_average_overlap(scores):
    assert scores["eao"] == pytest.approx(EAO, abs=1e-6)  # the toolkit adds up in single precision
    assert len(scores["eao_curve"]) == 400
    assert {n: scores["eao_curve"][n] for n in CURVE} == pytest.approx(CURVE, abs=1e-6)


def test_only_a_stochastic_tracker_is_repeated(tmp_path):
    write_set(tmp_path)
    sequences = find_vot_sequences(tmp_path)
    assert repetitions_needed(ByHeart(stochastic=False), sequences) == 1
    assert repetitions_needed(ByHeart(), sequences) == 15
    assert evaluate_vot(lambda: ByHeart(False), tmp_path / "short")["repetitions"] == 1
