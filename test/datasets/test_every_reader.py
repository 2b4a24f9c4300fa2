"""What all readers have in common."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker_ros.core.errors import SourceError
from tracker_ros.training.data.public import READERS, open_set

GOT, VIDEO = "GOT-10k_Train_000001", "Annotations/VID/train/ILSVRC2015_VID_train_0000"
JSON = "annotations/instances_train2017.json"


def test_every_reader_has_a_miniature(names):
    assert set(names) == set(READERS)


@pytest.mark.parametrize("name", READERS)
def test_every_frame_of_a_miniature_decodes_around_its_box(made, name):
    clips = open_set(name, made(name))
    for clip in clips:
        assert (np.diff(clip.times) > 0).all()
        for i in range(len(clip)):
            view = clip.view(i)
            assert view.image.shape == (48, 64, 3) and view.image.dtype == np.uint8
            x, y, w, h = view.box
            assert x >= 0 and y >= 0 and x + w <= 64 and y + h <= 48 and min(w, h) >= 10


@pytest.mark.parametrize("name", READERS)
def test_an_empty_or_missing_folder_is_told(tmp_path, name):
    with pytest.raises(SourceError, match=tmp_path.name):
        open_set(name, tmp_path)
    with pytest.raises(SourceError, match="nowhere is not a folder"):
        open_set(name, tmp_path / "nowhere")


def test_a_damaged_picture_is_named_when_it_is_asked_for(made):
    root = made("got10k")
    (root / GOT / "00000001.jpg").write_bytes(b"")
    (root / GOT / "00000004.jpg").write_bytes(b"\xff\xd8 not a picture")
    clip = open_set("got10k", root)[0]
    for index, name in enumerate(("00000001.jpg", "00000004.jpg")):
        with pytest.raises(SourceError, match=f"{name} is not a picture"):
            clip.view(index)
    (root / GOT / "00000001.jpg").unlink()
    with pytest.raises(SourceError, match=r"00000001.jpg cannot be read"):
        clip.view(0)


ANNOTATIONS = [
    ("got10k", f"{GOT}/groundtruth.txt"),
    ("got10k", f"{GOT}/absence.label"),
    ("got10k", "list.txt"),
    ("lasot", "cup-3/out_of_view.txt"),
    ("lasot", "training_set.txt"),
    ("trackingnet", "TRAIN_0/anno/A_b-1.txt"),
    ("coco", JSON),
    ("vid", f"{VIDEO}/ILSVRC2015_train_00000000/000001.xml"),
    ("det", "Annotations/DET/train/ILSVRC2014_train_0000/x_00000001.xml"),
    ("youtube_bb", "yt_bb_detection_train.csv"),
    ("davis", "ImageSets/2017/train.txt"),
    ("davis", "Annotations/480p/bear/00001.png"),
    ("otb", "Walking/groundtruth_rect.txt"),
]


OPTIONAL = [
    ("got10k", "list.txt"),
    ("got10k", f"{GOT}/meta_info.ini"),
    ("lasot", "training_set.txt"),
    ("lasot", "annos/att/cup-3.txt"),
    ("davis", "ImageSets/2017/train.txt"),
]


@pytest.mark.parametrize(("name", "file"), OPTIONAL)
@pytest.mark.parametrize("put", [Path.mkdir, lambda path: path.symlink_to("away"), os.mkfifo])
def test_what_is_no_file_is_not_taken_for_none(made, name, file, put):
    root = made(name)
    path = root / file
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path)
    with pytest.raises(SourceError, match=f"{path} (is not a file|cannot be read: No such)"):
        open_set(name, root)


@pytest.mark.parametrize(("name", "file"), ANNOTATIONS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_annotations_end_in_a_sentence_or_in_sound_clips(made, name, file, data):
    path = made(name) / file
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 20, len(whole))))
    scrap = st.binary(max_size=8) | st.sampled_from(
        [b"nan", b"-", b",", b"\n", b"1e99", b"{", b"<"]
    )
    path.write_bytes(whole[:start] + data.draw(scrap) + whole[end:])
    try:
        clips = open_set(name, path.parents[len(Path(file).parts) - 1])
    except SourceError as error:
        assert len(str(error).splitlines()) == 1
        return
    for clip in clips:
        with suppress(SourceError):  # an outline is looked at only when it is needed
            clip.view(0, masked=True)
        assert len(clip) == len(clip.names) == len(clip.times)
        assert np.isfinite(clip.boxes).all() and (clip.boxes[:, 2:] >= 10).all()
