"""The demo's detector: it misses, it gives false alarms, and it is the same every time."""

import numpy as np
import pytest

from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.datasets.synthetic.clip import SyntheticClip
from tracker_ros.replay.bystander import CUPS, detect


@pytest.fixture(scope="module")
def clip():
    return SyntheticClip()


def test_every_cup_that_is_named_is_seen_in_the_first_frame(clip):
    assert all(clip.truth(0, cup) for cup in CUPS)


def test_it_sees_most_cups_and_some_that_are_none(clip):
    hits, alarms, shown = 0, 0, 0
    for index in range(0, 450, 30):
        truths = [clip.truth(index, cup) for cup in range(clip.cups)
                  if clip.visible(index, cup) >= 0.5]  # fmt: skip
        found = [box for box, _, _ in detect(clip, index)]
        near = [max((overlap(box, true) for true in truths), default=0) > 0.5 for box in found]
        hits, alarms, shown = hits + sum(near), alarms + len(near) - sum(near), shown + len(truths)
    assert 0.6 < hits / shown < 0.95
    assert alarms > 2


def test_it_is_the_same_every_time(clip):
    assert detect(clip, 30) == detect(clip, 30)


def test_boxes_of_the_look_alikes_are_where_their_pixels_are(clip):
    """A cup's box is where its colour is: each is painted in its own hue."""
    frame = clip.render(0).astype(int)
    x, y, w, h = map(round, clip.truth(0, 3))  # hue 150: green
    inside = frame[y : y + h, x : x + w]
    green = inside[..., 1] - inside[..., [0, 2]].max(axis=2) > 25
    assert green.mean() > 0.1
    around = np.concatenate([frame[y - 8 : y, x : x + w].reshape(-1, 3),
                             frame[y + h : y + h + 8, x : x + w].reshape(-1, 3)])  # fmt: skip
    assert (around[:, 1] - around[:, [0, 2]].max(axis=1) > 25).mean() < 0.05
