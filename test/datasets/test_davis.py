"""DAVIS."""

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.training.data.public import open_set


def test_davis_makes_a_clip_of_each_object_of_the_training_split(made):
    first, second = open_set("davis", made("davis"))
    assert first.folder == second.folder == "JPEGImages/480p/bear"
    green, red = (first, second) if len(first) == 2 else (second, first)
    assert red.boxes.tolist() == [[5, 6, 20, 15], [6, 6, 20, 15], [7, 6, 20, 15]]
    assert green.times.tolist() == [1, 2]
    mask = green.view(0, masked=True).mask
    assert mask[30:45, 40:55].all() and mask.sum() == 15 * 15


def test_davis_2016_lists_name_files(made):
    root = made("davis")
    (root / "ImageSets/2017/train.txt").unlink()
    pair = "/JPEGImages/480p/bus/0000{0}.jpg /Annotations/480p/bus/0000{0}.png\n"
    (root / "ImageSets/480p").mkdir()
    (root / "ImageSets/480p/train.txt").write_text(pair.format(0) + pair.format(1))
    assert {clip.folder for clip in open_set("davis", root)} == {"JPEGImages/480p/bus"}


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("Annotations/480p/bear/00001.png", "no picture", "bear/00001.png is not a picture"),
        ("Annotations/480p/bear/00001.png", None, "bear/00001.png cannot be read"),
        ("ImageSets/2017/train.txt", "bear\nyeti\n", "train.txt line 2"),
        ("ImageSets/2017/train.txt", "bear\n" + 300 * "y", "train.txt line 2"),
    ],
)
def test_malformed_annotations_are_named(refusal, file, content, told):
    assert told in refusal("davis", file, content)


def test_a_mask_of_another_size_is_named(made):
    root = made("davis")
    clip = open_set("davis", root)[0]
    path = root / "Annotations/480p/bear/00001.png"
    cv2.imwrite(str(path), cv2.imread(str(path))[:, :-1])
    for detail in (np.inf, 8):
        with pytest.raises(SourceError, match=r"bear/00001.png#.* has another size: 63x48"):
            clip.view(clip.times.tolist().index(1), masked=True, detail=detail)
