"""Samples of the refiner: what their truth means, and what decides them."""

import shutil

import cv2
import numpy as np
import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import SourceError
from tracker_ros.core.online.reference import REGION, around
from tracker_ros.training.data.clips import View
from tracker_ros.training.refinement.looks import believed_look, first_look
from tracker_ros.training.refinement.samples import KINDS, Samples, over

TRACKING = TrackingConfig(query_size=112, search_factor=2.625)
SIDE = 112 / 2.625  # of the target in a window that is right, crop pixels


def told_box(look):
    """The box that the truth tells, in crop pixels."""
    dx, dy, w, h = look.truth
    w, h = SIDE * np.exp(w), SIDE * np.exp(h)
    return 8 * (look.place[0] + dx) - w / 2, 8 * (look.place[1] + dy) - h / 2, w, h


def bright_box(crop):
    """Of what is white in the crop; a pixel at its rim counts as much as it is white."""
    white = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) / 255.0
    columns, rows = white.max(0), white.max(1)
    x, y = int(columns.argmax()), int(rows.argmax())
    w, h = columns.sum(), rows.sum()
    return x + columns[x:].sum() - w, y + rows[y:].sum() - h, w, h


def test_the_truth_is_right_however_wrong_the_window_and_the_place_are():
    rng = np.random.default_rng(0)
    boxes, places, sizes = [], [], []
    for _ in range(200):
        x, y, w, h = (int(value) for value in rng.integers((280, 280, 40, 40), (340, 340, 90, 90)))
        image = np.zeros((700, 700, 3), np.uint8)
        image[y : y + h, x : x + w] = 255
        look = believed_look(View(image, (x, y, w, h)), TRACKING, rng)
        left, top, wide, high = told_box(look)
        if min(left, top) > 1 and max(left + wide, top + high) < 111:
            boxes.append((told_box(look), bright_box(look.crop)))
        places.append(look.truth[:2])
        sizes.append(look.truth[2:].sum() / 2)
    assert len(boxes) > 100
    told, seen = np.array(boxes).transpose(1, 0, 2)
    assert np.abs(told - seen).max() < 1.1
    # Wrong by as much as a place that is found online: Student's t, and by as much as sizes are.
    assert 0.2 < np.abs(places).mean() < 0.5 and np.std(sizes) == pytest.approx(0.16, abs=0.05)


def test_a_first_look_is_in_the_middle_and_of_the_right_size():
    look = first_look(View(np.zeros((300, 300, 3), np.uint8), (100, 80, 60, 60)), TRACKING)
    assert look.place == pytest.approx((7, 7), abs=0.1)
    assert look.truth == pytest.approx((0, 0, 0, 0), abs=0.02)


def test_a_region_and_the_truth_speak_of_the_same_cells():
    rng = np.random.default_rng(1)
    cells = np.arange(14, dtype=np.float32) + 0.5
    grid = np.stack(np.broadcast_arrays(cells[None, :], cells[:, None]))  # where each cell is
    image = np.zeros((400, 400, 3), np.uint8)
    for _ in range(20):
        look = believed_look(View(image, (150, 160, 60, 50)), TRACKING, rng)
        if not all(5.6 < value < 8.4 for value in look.place):
            continue  # a part of the region is outside
        region = around(grid, *look.place)[0]
        assert region.shape == (2, REGION, REGION)
        centre = region.mean((1, 2)) + look.truth[:2]
        x, y, w, h = told_box(look)
        assert 8 * centre == pytest.approx((x + w / 2, y + h / 2), abs=0.02)


def test_a_cut_out_lies_in_its_box():
    rng = np.random.default_rng(2)
    patch, mask = np.full((50, 40, 3), 255, np.uint8), np.zeros((50, 40), bool)
    mask[5:45, 5:35] = True
    ground = np.zeros((90, 120, 3), np.uint8)
    for size, stretch, angle in ((40, (1, 1), 0.0), (60, (1.2, 0.9), 0.3), (25, (0.8, 1), -0.5)):
        view = over(patch, mask, ground, size, stretch, angle, rng)
        assert view.image.shape == (int(3.4 * size),) * 2 + (3,)
        seen = bright_box(view.image)
        assert view.box == pytest.approx(seen, abs=2.5)
    w, h = over(patch, mask, ground, 40, (1.5, 1), 0.0, rng).box[2:]
    assert w / h == pytest.approx(1.5 * 30 / 40, abs=0.06)
    assert over(patch, mask & False, ground, 40, (1, 1), 0.0, rng) is None


def test_seed_and_index_decide_everything_and_every_kind_comes(refiner_shards):
    samples, again = (Samples(refiner_shards, TRACKING, 3) for _ in range(2))
    drawn = [samples[index] for index in range(40)]
    assert {sample.kind for sample in drawn} == set(range(len(KINDS)))
    for index in (31, 7):
        same, other = again[index], drawn[index + 1]
        assert np.array_equal(same.crops, drawn[index].crops)
        assert np.array_equal(same.truths, drawn[index].truths)
        assert not np.array_equal(other.crops, same.crops)
    sample = drawn[0]
    assert sample.crops.shape == (4, 112, 112, 3) and sample.crops.dtype == np.uint8
    assert sample.truths.shape == (4, 4) and sample.truths.dtype == np.float32


def test_held_clips_are_seen_in_validation_alone(refiner_shards):
    samples = Samples(refiner_shards, TRACKING)
    wide = {clip: 30 + 4 * clip for clip in range(6)}  # how the shards are made
    rng, seen = np.random.default_rng(0), {True: set(), False: set()}
    for held in seen:
        for _ in range(40):
            views = samples._of_track(held, rng)
            seen[held] |= {view.box[2] for view in views or ()}
    assert seen[True] == {wide[4]} and seen[False] == {wide[n] for n in (0, 1, 2, 3, 5)}


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ("masks-0.tar", "holds no shard with tracks: video, davis, video2"),
        ("video-0.tar", "holds no shard with objects in pictures: voc, masks, boxes"),
    ],
)
def test_what_lacks_is_said(refiner_shards, tmp_path, kept, sentence):
    shutil.copy(refiner_shards / kept, tmp_path)
    with pytest.raises(SourceError, match=sentence):
        Samples(tmp_path, TRACKING)
    with pytest.raises(SourceError, match="is not a folder"):
        Samples(tmp_path / "absent", TRACKING)
