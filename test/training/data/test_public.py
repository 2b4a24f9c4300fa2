"""Clips in columns, their index on disk, and the mixture of sets."""

import io
import os
import pickle
import shutil
import tarfile

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import ParameterError, SourceError
from tracker_ros.datasets.formats.pictures import Folder
from tracker_ros.training.data.clips import make_clip
from tracker_ros.training.data.clipset import ClipSet
from tracker_ros.training.data.mixture import ClipPictures, open_mixture, parse_spec
from tracker_ros.training.data.public import open_set


def clip(store, count, *, label="", masks=None, first=0):
    names = [f"{i}.jpg" for i in range(count)]
    boxes = np.tile([first, 2, 20, 30], (count, 1))
    return make_clip(store, names, boxes, folder="home", label=label, masks=masks)


def test_a_packed_clip_comes_back_as_it_was(tmp_path):
    one, two = Folder(tmp_path / "a"), Folder(tmp_path / "b")
    masks = ["m0.png", "", "m2.png"]
    clips = ClipSet.pack(
        [clip(one, 2, label="cat"), clip(one, 0), clip(two, 3, masks=masks, first=7)]
    )
    assert (len(clips), sum(map(len, clips)), clips.masked) == (2, 5, True)
    first, second = clips
    assert first.store is one and second.store is two
    assert first.names.tolist() == [b"0.jpg", b"1.jpg"] and first.folder == "home"
    assert (first.label, second.label) == ("cat", "")
    assert first.masks.tolist() == [b"", b""]
    assert second.masks.tolist() == [b"m0.png", b"", b"m2.png"]
    assert second.boxes.dtype == np.float32 and second.boxes[2].tolist() == [7, 2, 20, 30]
    assert second.times.tolist() == [0, 1, 2]
    with pytest.raises(IndexError):
        clips[2]


def test_peers_share_the_class_and_only_a_real_one(tmp_path):
    store = Folder(tmp_path)
    clips = ClipSet.pack([clip(store, 1, label=label) for label in ("cat", "", "dog", "cat", "")])
    assert clips.peers(0).tolist() == [3]
    assert clips.peers(2).tolist() == clips.peers(1).tolist() == []


@pytest.mark.parametrize(
    "box", [(1, 2, 9.9, 30), (1, 2, 30, 9.9), (1, 2, np.nan, 30), (1e9, 2, 30, 30)]
)
def test_a_frame_with_an_unusable_box_is_dropped(tmp_path, box):
    made = make_clip(Folder(tmp_path), ["a", "b"], np.array([box, (1, 2, 10, 10)]))
    assert made.names.tolist() == [b"b"] and made.times.tolist() == [1]


@pytest.fixture
def otb(tmp_path):
    """Makes an OTB set of two sequences of three pictures and returns its folder."""
    root = tmp_path / "set"
    for name in ("one", "two"):
        (root / name / "img").mkdir(parents=True)
        (root / name / "groundtruth_rect.txt").write_text("5,6,20,15\n" * 3)
        for i in range(3):
            cv2.imwrite(str(root / name / "img" / f"{i}.jpg"), np.full((60, 80, 3), 100, np.uint8))
    return root


def test_an_index_is_used_until_an_annotation_changes(otb, tmp_path):
    cache = tmp_path / "cache"
    first = open_set("otb", otb, cache)
    (index,) = cache.iterdir()
    before = {file: file.stat().st_ino for file in index.iterdir()}
    again = open_set("otb", otb, cache)
    assert {file: file.stat().st_ino for file in index.iterdir()} == before
    assert [c.names.tolist() for c in again] == [c.names.tolist() for c in first]
    truth = otb / "one/groundtruth_rect.txt"
    later = truth.stat().st_mtime_ns + 10**9  # than a tick of the file system's clock
    truth.write_text("9,6,20,15\n" * 3)
    os.utime(truth, ns=(later, later))
    assert open_set("otb", otb, cache)[0].boxes[0].tolist() == [9, 6, 20, 15]
    assert len(list(cache.iterdir())) == 1  # the old index is gone
    assert first[1].boxes[0].tolist() == [5, 6, 20, 15]  # but lives on for who has mapped it


def test_a_new_picture_without_a_box_is_noticed_through_the_index(otb, tmp_path):
    open_set("otb", otb, tmp_path / "cache")
    picture = otb / "one/img/2.jpg"
    (otb / "one/img/3.jpg").write_bytes(picture.read_bytes())
    with pytest.raises(SourceError, match="3 lines"):
        open_set("otb", otb, tmp_path / "cache")


def test_an_index_travels_to_workers_as_a_path(otb, tmp_path):
    clips = open_set("otb", otb, tmp_path / "cache")
    copy = pickle.loads(pickle.dumps(clips))
    assert [c.boxes.tolist() for c in copy] == [c.boxes.tolist() for c in clips]
    (boxes,) = [c for name, c in copy.columns.items() if name == "boxes"]
    assert isinstance(boxes.base, np.memmap)


def test_a_damaged_index_is_told(otb, tmp_path):
    open_set("otb", otb, tmp_path / "cache")
    (index,) = (tmp_path / "cache").iterdir()
    for content in (b"\x93NUMPY", b"no array"):
        (index / "boxes.npy").write_bytes(content)
        with pytest.raises(SourceError, match=r"cannot be read \(it is damaged\); delete it"):
            open_set("otb", otb, tmp_path / "cache")
    (index / "boxes.npy").unlink()
    with pytest.raises(SourceError, match=r"cannot be read \(No such file or dir.*; delete it"):
        open_set("otb", otb, tmp_path / "cache")


def test_an_index_that_cannot_be_written_is_told(otb, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be written"):
        open_set("otb", otb, tmp_path / "file" / "cache")


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("got10k:/data/GOT-10k/train:0.5", ("got10k", "/data/GOT-10k/train", 0.5)),
        ("lasot:/data/LaSOT", ("lasot", "/data/LaSOT", None)),
        ("vid:/data/a:b", ("vid", "/data/a:b", None)),
        ("shards:/data/train:2", ("shards", "/data/train", 2.0)),
        ("/data/train", ("shards", "/data/train", 1.0)),
    ],
)
def test_specifications(text, spec):
    reader, folder, weight = parse_spec(text)
    assert (reader, str(folder), weight) == spec


@pytest.mark.parametrize(
    "text", ["got11k:/data", "lasot:/data:0", "lasot:/data:-1", "lasot:/d:nan", "lasot:/d:1e300"]
)
def test_wrong_specifications_are_told(text):
    with pytest.raises(ParameterError, match=r"data '.*'"):
        parse_spec(text)


def test_weights_are_shares_and_a_set_named_twice_is_two_sets(otb):
    mixture = open_mixture([f"otb:{otb}:3", f"otb:{otb}"], {})
    assert mixture.weights == {"otb": 0.75, "otb-2": 0.25}
    assert isinstance(mixture.pictures, ClipPictures)
    assert mixture.pictures.draw(np.random.default_rng(0)).shape == (60, 80, 3)


def test_a_recipes_ratios_are_of_sets_that_are_given_without_a_weight(otb):
    ratios = {"otb": 0.5, "coco": 7.0}
    mixture = open_mixture([f"otb:{otb}", f"otb:{otb}:1.5"], {}, ratios=ratios)
    assert mixture.weights == {"otb": 0.25, "otb-2": 0.75}


def test_large_targets_are_decoded_small(otb):
    made = open_set("otb", otb)[0]  # 20x15 pixels: √(w·h) is 17.3
    assert made.view(0, detail=8).image.shape == (30, 40, 3)
    assert made.view(0, detail=8).box == (2.5, 3, 10, 7.5)
    assert made.view(0, detail=9).image.shape == (60, 80, 3)


@pytest.mark.parametrize(
    "frames", ['{"frames": []}', '{"frames": [{"image": "a.png", "box": [0, 0, 9, 9]}]}']
)
def test_shards_without_a_clip_to_train_on_are_named(shards, tmp_path, frames):
    shutil.copy(shards / "imagenet1k-0.tar", tmp_path)
    with tarfile.open(tmp_path / "video-0.tar", "w") as tar:
        info = tarfile.TarInfo("index.json")
        info.size = len(frames) + 2
        tar.addfile(info, io.BytesIO(f"[{frames}]".encode()))
    told = rf"{tmp_path} holds no clip in video-\*\.tar with a target large enough"
    with pytest.raises(SourceError, match=told):
        open_mixture(tmp_path, {"video": 1.0})


def test_a_set_may_have_any_name(one_clip, tmp_path):
    home = tmp_path / os.fsdecode(b"b\xff")
    shutil.copytree(one_clip[1], home)
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        (clip,) = open_set("otb", home, cache)
        assert clip.view(0).image.shape == (150, 200, 3)
