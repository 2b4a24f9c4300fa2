"""Objects of stills, cut out of their boxes by GrabCut."""

import json
import shutil
import tarfile

import cv2
import numpy as np
import pytest

from test.training.conftest import encode, write_tar
from tracker_ros.cli import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import SourceError
from tracker_ros.evaluation.metrics import iou
from tracker_ros.training.clips import View, load_clips
from tracker_ros.training.config import SamplingConfig
from tracker_ros.training.grabcut import cut, write_cutouts
from tracker_ros.training.sampling import Samples

CENTRE, AXES = (100, 70), (40, 28)
BOX = (60.0, 42.0, 81.0, 57.0)  # of the ellipse


def still(centre=CENTRE):
    """A bright noisy ellipse on dark noise, and where it is."""
    rng = np.random.default_rng(3)
    image = rng.integers(0, 60, (150, 200, 3), np.uint8)
    mask = cv2.ellipse(np.zeros((150, 200), np.uint8), (centre, (80, 56), 0), 255, -1) > 0
    image[mask] = rng.integers(170, 255, (int(mask.sum()), 3), np.uint8)
    return image, mask


@pytest.fixture
def stills(tmp_path):
    """A folder with a shard of three objects, of which the picture cuts one off."""
    members, index = {}, []
    for number, centre in enumerate([CENTRE, (90, 80), (20, 70)]):
        x, y = centre[0] - AXES[0], centre[1] - AXES[1]
        box = [max(x, 0), y, 81 + min(x, 0), 57]
        index.append({"image": f"{number}.png", "objects": [{"label": "egg", "box": box}]})
        members[f"{number}.png"] = encode(still(centre)[0])
    write_tar(tmp_path / "voc-0.tar", index, members)
    return tmp_path


def test_the_mask_is_the_objects_outline():
    image, truth = still()
    seen = cut(View(image, BOX))
    # Where the picture around the object lies in the whole one.
    left, top = (int(start - 0.35 * side) for start, side in zip(BOX, BOX[2:], strict=False))
    height, width = seen.mask.shape
    truth = truth[top : top + height, left : left + width]
    assert (seen.mask & truth).sum() / (seen.mask | truth).sum() > 0.93
    x, y, w, h = seen.box
    assert iou([(x + left, y + top, w, h)], [BOX])[0] > 0.9
    assert np.array_equal(cut(View(image, BOX)).mask, seen.mask)  # no chance in it


@pytest.mark.parametrize(
    "box",
    [
        (60.0, 42.0, 15.0, 15.0),  # too small
        (0.0, 42.0, 81.0, 57.0),  # cut off by the picture's rim
        (140.0, 85.0, 50.0, 50.0),  # nothing but noise and the ellipse's edge
        (62.0, 8.0, 76.0, 125.0),  # twice as high as what is in it
    ],
)
def test_what_is_no_object_in_its_box_is_left_out(box):
    assert cut(View(still()[0], box)) is None


def test_the_shard_is_one_to_paste_from(stills, shards, capsys):
    assert main(["cut-out", str(stills)]) == 0
    assert capsys.readouterr().out.strip().endswith("cutouts-0.tar: 2 of 3 objects")
    clips = load_clips(stills, "cutouts")
    assert [len(clip) for clip in clips] == [1, 1] and clips[0].view(0, masked=True).mask.any()
    with tarfile.open(stills / "cutouts-0.tar") as tar:
        (first, _) = json.load(tar.extractfile("index.json"))
    assert first["label"] == "egg"

    shutil.copy(shards / "imagenet1k-0.tar", stills)
    weights = {"voc": 0.0, "cutouts": 0.0, "paste": 1.0}
    samples = Samples(stills, TrackingConfig(), SamplingConfig(weights=weights, negative=0.0), 1)
    drawn = [samples[index] for index in range(20)]
    assert {sample.source for sample in drawn} == {"paste"} and samples.replaced == 0
    ratios = {round(float(sample.memory_boxes[0, 2] / sample.memory_boxes[0, 3]), 2)
              for sample in drawn}  # fmt: skip
    assert len(ratios) > 10  # a still's object changes shape


def test_nothing_to_cut_out_is_an_error(shards, tmp_path):
    """The squares fill their boxes to the corners, as no object does."""
    with pytest.raises(SourceError, match="no object of the voc shards"):
        write_cutouts(shards, "voc", tmp_path / "cutouts-0.tar")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SourceError, match="holds no shard named nothing"):
        write_cutouts(shards, "nothing", tmp_path / "cutouts-0.tar")
