"""Samples of the refiner and the pairs made of them: what their truth means, what decides them."""

import shutil

import cv2
import numpy as np
import pytest
import torch

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import SourceError
from tracker_ros.core.online.reference import around
from tracker_ros.training.data.clips import View
from tracker_ros.training.refinement.colours import another
from tracker_ros.training.refinement.looks import (
    TargetCrop,
    coarse,
    first_look,
    grey,
    later_look,
)
from tracker_ros.training.refinement.occluders import covered, occluded
from tracker_ros.training.refinement.pairs import BESIDE, make_pairs, regions
from tracker_ros.training.refinement.samples import QUERIES, RefinerSamples
from tracker_ros.training.refinement.views import loose, over

TRACKING = TrackingConfig(query_size=112, search_factor=2.625)
SIDE = 112 / 2.625  # of the target in a window that is right, crop pixels


def told_box(truth):
    """The box that a truth tells, in crop pixels."""
    cx, cy, w, h = truth
    w, h = SIDE * np.exp(w), SIDE * np.exp(h)
    return 8 * cx - w / 2, 8 * cy - h / 2, w, h


def bright_box(crop):
    """Of what is white in the crop; a pixel at its rim counts as much as it is white."""
    white = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) / 255.0
    columns, rows = white.max(0), white.max(1)
    x, y = int(columns.argmax()), int(rows.argmax())
    w, h = columns.sum(), rows.sum()
    return x + columns[x:].sum() - w, y + rows[y:].sum() - h, w, h


def test_the_truth_is_right_however_wrong_the_window_is():
    rng = np.random.default_rng(0)
    boxes, centres, sizes = [], [], []
    for _ in range(200):
        x, y, w, h = (int(value) for value in rng.integers((280, 280, 40, 40), (340, 340, 90, 90)))
        image = np.zeros((700, 700, 3), np.uint8)
        image[y : y + h, x : x + w] = 255
        look = later_look(View(image, (x, y, w, h)), TRACKING, rng)
        truth = np.array(look.truth(TRACKING))
        left, top, wide, high = told_box(truth)
        if min(left, top) > 1 and max(left + wide, top + high) < 111:
            boxes.append((told_box(truth), bright_box(look.crop)))
        centres.append(truth[:2] - 7)
        sizes.append(truth[2:].sum() / 2)
    assert len(boxes) > 100
    told, seen = np.array(boxes).transpose(1, 0, 2)
    assert np.abs(told - seen).max() < 1.1
    # Wrong by as much as windows are, and by as much as sizes are.
    assert 0.7 < np.abs(centres).mean() < 1.3 and np.std(sizes) == pytest.approx(0.16, abs=0.05)


def test_a_first_look_is_in_the_middle_and_of_the_right_size():
    look = first_look(View(np.zeros((300, 300, 3), np.uint8), (100, 80, 60, 60)), TRACKING)
    assert look.truth(TRACKING) == pytest.approx((7, 7, 0, 0), abs=0.1)


def test_loose_boxes_lie_around_a_target_in_one_way():
    image, rng = np.zeros((100, 100, 3), np.uint8), np.random.default_rng(3)
    boxes = np.array([(10.0, 20, 30, 40), (50, 5, 12, 60), (0, 0, 90, 8)])
    views, sides = [View(image, tuple(box)) for box in boxes], []
    for _ in range(200):
        found = np.array([view.box for view in loose(views, rng)])
        corner, side = (found[:, :2] - boxes[:, :2]) / boxes[:, 2:], found[:, 2:] / boxes[:, 2:]
        assert np.allclose(corner, corner[0]) and np.allclose(side, side[0])
        sides.append(side[0])
    # People leave a margin more often than they cut something off.
    assert 0.05 < np.log(sides).mean() < 0.15 and 0.15 < np.log(sides).std() < 0.3
    assert [view.box for view in views] == [tuple(box) for box in boxes]


def grids(looks=3):
    """Features [1, looks, 2, 14, 14] that say where each cell is."""
    cells = torch.arange(14) + 0.5
    grid = torch.stack([cells.expand(14, -1), cells[:, None].expand(-1, 14)])
    return grid.expand(1, looks, -1, -1, -1)


def test_regions_are_those_of_the_tracker():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(30, 5, 14, 14)).astype(np.float32)
    places = rng.uniform(0, 14, (30, 2)).astype(np.float32)
    found = regions(torch.from_numpy(features), torch.from_numpy(places)).numpy()
    for grid, place, region in zip(features, places, found, strict=True):
        assert np.abs(region - around(grid, *place.tolist())[0]).max() < 1e-4


def test_a_region_and_the_truth_speak_of_the_same_cells():
    truths = torch.tensor([[[7.0, 7, 0, 0], [6.5, 7.5, 0.1, -0.1], [7.2, 6.8, 0, 0]]])
    chance = torch.Generator().manual_seed(0)
    for _ in range(10):
        pairs = make_pairs(grids(), truths, torch.zeros(1, 3), 112 / 2.625 / 8, chance)
        for i in range(2):  # about where the targets are
            place = truths[0, 1 + i, :2] - pairs.truth[i, :2]
            if not ((place > 5) & (place < 9)).all():
                continue  # a part of the region is outside
            centre = pairs.region[i].mean((1, 2)) + pairs.truth[i, :2]
            assert torch.allclose(centre, truths[0, 1 + i, :2], atol=1e-4)
            assert torch.equal(pairs.truth[i, 2:], truths[0, 1 + i, 2:])
    assert torch.equal(pairs.cover, torch.tensor([0.0, 0, 1, 1]))


def test_a_rival_is_what_is_most_like_the_target_elsewhere():
    side, rng = 112 / 2.625 / 8, torch.Generator().manual_seed(2)
    features = 0.1 * torch.randn(1, 3, 16, 14, 14, generator=rng)
    look = torch.randn(16, 4, 4, generator=rng)
    features[0, :, :, 5:9, 5:9] = look  # the target in all three
    features[0, 1, :, 0:4, 10:14] = look  # a like of it, in the second
    truths = torch.tensor([7.0, 7, 0, 0]).expand(1, 3, 4)
    likes = 0
    for _ in range(40):
        pairs = make_pairs(features, truths, torch.zeros(1, 3), side, rng)
        like = regions(features[:, 1], torch.tensor([[12.0, 2.0]]))
        likes += torch.allclose(pairs.region[2], like[0], atol=1e-5)
        moved = 7 - pairs.truth[3, :2]  # never at the target itself
        there = regions(features[:, 2], moved[None])[0]
        assert not torch.allclose(pairs.region[3], there, atol=1e-5)
    assert 20 < likes < 40  # of the rest chance decides
    gone = torch.tensor([[0.0, 0, 1]])
    found = [make_pairs(features, truths, gone, side, rng).region[3] for _ in range(10)]
    core = regions(features[:, 2], torch.tensor([[7.0, 7.0]]))[0]
    assert any(torch.allclose(one, core, atol=1e-5) for one in found)  # all of it may be a rival
    assert BESIDE * side > 3


def test_what_is_before_the_target_covers_as_much_as_is_said():
    rng = np.random.default_rng(3)
    crop, box = rng.integers(0, 100, (112, 112, 3), np.uint8), (36, 31, 40, 50)
    ground, thing = rng.integers(150, 255, (80, 90, 3), np.uint8), None
    covers = []
    for i in range(120):
        if i % 2:
            thing = rng.integers(150, 255, (30, 20, 3), np.uint8), np.ones((30, 20), bool)
        image, cover = occluded(crop, box, ground, thing, rng)
        changed = (image != crop).any(2)[31:81, 36:76].mean()
        covers.append(cover)
        assert image.shape == crop.shape and changed == pytest.approx(cover, abs=0.2)
    assert np.mean(covers) == pytest.approx(0.4, abs=0.15) and max(covers) > 0.8 > min(covers)
    white = cv2.rectangle(np.zeros((112, 112, 3), np.uint8), (36, 31), (75, 80), (255,) * 3, -1)
    for _ in range(20):  # pieces of the crop itself and of the ground are dark
        gone = covered(white, box, np.zeros_like(ground), rng)
        colours = np.unique(gone[33:79, 38:74].reshape(-1, 3), axis=0)
        assert len(colours) == 1 or gone[33:79, 38:74].mean() < 120


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


def test_what_is_painted_looks_like_another_thing():
    rng = np.random.default_rng(5)
    crop = np.full((112, 112, 3), (40, 60, 200), np.uint8)
    crop += rng.integers(0, 20, crop.shape, np.uint8)
    inside, outside = (slice(45, 70), slice(40, 80)), (slice(0, 20), slice(0, 20))
    beside = []
    for _ in range(40):
        other = another(crop, (36, 40, 48, 34), rng)
        assert other.shape == crop.shape and other.dtype == np.uint8
        assert cv2.absdiff(other, crop)[inside].mean() > 15
        beside.append(cv2.absdiff(other, crop)[outside].mean())
    assert 5 < sum(change < 1 for change in beside) < 35  # in the box alone, or everywhere
    assert another(np.zeros_like(crop), (36, 40, 48, 34), rng) is None  # black stays black


def test_a_poor_camera_keeps_size_and_place():
    box = np.zeros((112, 112, 3), np.uint8)
    box[40:80, 30:70] = 255
    seen = coarse(box, 0.4)
    assert seen.shape == box.shape and bright_box(seen) == pytest.approx((30, 40, 40, 40), abs=2)
    colours = np.full((112, 112, 3), (10, 100, 200), np.uint8)
    shades = grey(TargetCrop(colours, (0, 0, 9, 9))).crop
    assert shades.shape == colours.shape and len(np.unique(shades)) == 1


def test_seed_and_index_decide_everything(refiner_shards):
    samples, again = (RefinerSamples(refiner_shards, TRACKING, 3, length=40) for _ in range(2))
    drawn = [samples[index] for index in range(40)]
    for index in (31, 7):
        same, other = again[index], drawn[index + 1]
        assert np.array_equal(same.crops, drawn[index].crops)
        assert np.array_equal(same.truths, drawn[index].truths)
        assert not np.array_equal(other.crops, same.crops)
    for sample in drawn:
        assert sample.crops.shape == (2 + QUERIES, 112, 112, 3) and sample.crops.dtype == np.uint8
        assert sample.truths.shape == (2 + QUERIES, 4) and sample.truths.dtype == np.float32
        assert sample.covers[0] == 0 and sample.covers[-1] == 1
    hidden = np.array([sample.covers[1:-1] for sample in drawn])
    assert 0.15 < (hidden > 0).mean() < 0.55 and len(samples) == 40


def test_held_clips_are_seen_in_validation_alone(refiner_shards):
    wide = {clip: 30 + 4 * clip for clip in range(6)}  # how the shards are made
    seen = {True: set(), False: set()}
    for held in seen:
        samples, rng = RefinerSamples(refiner_shards, TRACKING, held=held), np.random.default_rng(0)
        for _ in range(40):
            views = samples._of_track(rng) or ()
            seen[held] |= {view.box[2] for view in views[:-1]}
    assert seen[True] == {wide[4]} and seen[False] == {wide[n] for n in (0, 1, 2, 3, 5)}


def test_another_of_the_same_class_is_not_the_same(refiner_shards):
    samples, rng = RefinerSamples(refiner_shards, TRACKING), np.random.default_rng(0)
    for clip in samples.objects:
        others = [samples._like(clip, rng) for _ in range(40)]
        assert sum(other is clip for other in others) < 20 and any(o is not clip for o in others)


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
        RefinerSamples(tmp_path, TRACKING)
    with pytest.raises(SourceError, match="is not a folder"):
        RefinerSamples(tmp_path / "absent", TRACKING)


def test_a_picture_that_cannot_be_read_gives_way_to_another(refiner_shards, tmp_path, capsys):
    folder = shutil.copytree(refiner_shards, tmp_path / "shards")
    content = bytearray((folder / "video-0.tar").read_bytes())
    start = content.index(b"\x89PNG")
    content[start : start + 4] = b"none"
    (folder / "video-0.tar").write_bytes(content)
    samples = [RefinerSamples(one, TRACKING, length=80) for one in (refiner_shards, folder)]
    same = 0
    for i in range(80):
        good, other = (part[i] for part in samples)
        same += np.array_equal(good.crops, other.crops)
        assert np.array_equal(other.crops, samples[1][i].crops)  # a function of seed and i
    assert samples[0].replaced == 0 < samples[1].replaced and 0 < same < 80
    told = capsys.readouterr().err
    assert "another sample is used" in told and told.count("\n") == 1
    for name in ("video-0.tar", "masks-0.tar"):
        broken = (folder / name).read_bytes().replace(b"\x89PNG", b"none")
        (folder / name).write_bytes(broken)
    with pytest.raises(SourceError, match="is not a picture"):
        RefinerSamples(folder, TRACKING)[0]
