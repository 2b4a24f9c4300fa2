import logging
import shutil

import numpy as np
import pytest

from test.bags import DELAY, PERIOD, START, compressed, detection, image, truth
from tracker_ros.core.errors import SourceError
from tracker_ros.sources import open_source

STORAGES = ("mcap", "sqlite3")


def boxed(box, index, theta=0.0):
    """A message with that box, or none."""
    return truth(index, *([] if box is None else [detection(box, index, theta=theta)]))


@pytest.fixture
def images(pictures):
    def make(count=6):
        return [image(picture, i) for i, picture in enumerate(pictures(count))]

    return make


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("as_file", (False, True))
@pytest.mark.parametrize("make", (image, compressed))
def test_frames_are_those_recorded(bag, pictures, storage, as_file, make):
    path = bag({"/camera": [make(p, i) for i, p in enumerate(pictures())]}, storage)
    if as_file:
        path = next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    with open_source(path) as source:
        frames = list(source)
        assert source.length == 6
        assert source.fps == 25
        assert source.truth is None
    assert [f.stamp_ns for f in frames] == [START + i * PERIOD for i in range(6)]
    for frame, picture in zip(frames, pictures(), strict=True):
        np.testing.assert_array_equal(frame.image, picture)


@pytest.mark.parametrize(
    "storage, compression",
    (("mcap", "storage"), ("mcap", "message"), ("sqlite3", "message"), ("sqlite3", "file")),
)
def test_compressed_recordings(bag, images, storage, compression):
    source = open_source(bag({"/camera": images()}, storage, compression=compression))
    assert source.length == 6
    assert len(list(source)) == 6


def test_a_turned_box_is_no_truth(bag, images, caplog):
    box = (1.0, 2.0, 10.0, 20.0)
    boxes = [boxed(box, i, theta) for i, theta in enumerate((0.0, 0.7, np.pi, np.inf))]
    source = open_source(bag({"/camera": images(), "/truth": boxes}))
    assert source.truth == {0: box, 2: box}
    assert "2 of 4 messages on /truth cannot be used: a box rotated by 0.7 rad" in caplog.text


@pytest.mark.parametrize("storage", STORAGES)
def test_truth_by_stamp(bag, images, storage):
    boxes = [
        boxed((1.5, 2.0, 10.0, 20.0), 0),
        boxed(None, 2),
        boxed((3.0, 4.0, 10.0, 20.0), 3),
    ]
    source = open_source(bag({"/camera": images(), "/truth": boxes}, storage))
    assert source.truth[0] == (1.5, 2.0, 10.0, 20.0)
    assert 1 not in source.truth
    assert np.isnan(source.truth[2]).all()
    assert source.truth[3] == (3.0, 4.0, 10.0, 20.0)


@pytest.mark.parametrize("storage", STORAGES)
def test_two_passes_at_a_time(bag, images, storage):
    path = bag({"/camera": images(), "/truth": [boxed((0.0, 0.0, 9.0, 9.0), 4)]}, storage)
    with open_source(path) as source:
        first, second = iter(source), iter(source)
        for _ in range(3):
            assert next(first).index == next(second).index
        assert list(source.truth) == [4]
        assert [frame.index for frame in first] == [frame.index for frame in second] == [3, 4, 5]


def test_among_several_detection_topics_truth_is_the_one_of_that_name(bag, images):
    path = bag(
        {
            "/camera": images(),
            "/detector": [boxed((0, 0, 9, 9), 0)],
            "/ground_truth": [boxed((1.0, 1.0, 2.0, 2.0), 0)],
        }
    )
    assert open_source(path).truth == {0: (1.0, 1.0, 2.0, 2.0)}


def test_of_several_truths_each_camera_has_its_own(bag, images, caplog):
    names = ("/left/image", "/right/image"), ("/left/Truth", "right/truth", "/GroundTruth")
    boxes = [[boxed((float(n), 0.0, 9.0, 9.0), 0)] for n in range(3)]
    path = bag(dict.fromkeys(names[0], images()) | dict(zip(names[1], boxes, strict=True)))
    found = [open_source(path, topic=topic).truth for topic in names[0]]
    assert [truth[0][0] for truth in found] == [0.0, 1.0]
    assert not caplog.records


def test_truth_is_of_the_image_with_the_nearest_stamp(bag, images, caplog):
    boxes = [boxed((float(i), 0.0, 9.0, 9.0), i) for i in range(6)]
    for shift, message in zip((3, -3, 19, -19, 21, 0), boxes, strict=True):  # ms, of 40 a frame
        message.header.stamp.nanosec += shift * 1_000_000
    source = open_source(bag({"/camera": images(), "/truth": boxes}))
    assert {index: box[0] for index, box in source.truth.items()} == {0: 0, 1: 1, 2: 2, 3: 3, 5: 5}
    assert "1 of 6 boxes of /truth are of no image on /camera" in caplog.text


def test_truth_of_another_clock_is_none_and_says_so(bag, images, caplog):
    boxes = [boxed((1.0, 1.0, 9.0, 9.0), i) for i in range(6)]
    for message in boxes:
        message.header.stamp.sec -= 100
    source = open_source(bag({"/camera": images(), "/truth": boxes}))
    assert source.truth is None
    assert source.truth_origin is None
    assert "6 of 6 boxes of /truth are of no image on /camera" in caplog.text


def test_two_truths_about_one_stamp_are_none(bag, images, caplog):
    boxes = [boxed((1.0, 1.0, 9.0, 9.0), i // 2) for i in range(6)]
    assert list(open_source(bag({"/camera": images(), "/truth": boxes})).truth) == [0, 1, 2]
    boxes.append(boxed(None, 1))
    source = open_source(bag({"/camera": images(), "/truth": boxes}, name="other"))
    assert source.truth is None
    assert "/truth has two boxes for the stamp 1700000000.040000000" in caplog.text


def test_several_image_topics_need_a_choice(bag, images):
    path = bag({"/left": images(), "/right": images(4)})
    with pytest.raises(SourceError, match="2 image topics, choose one: /left, /right"):
        open_source(path)
    with pytest.raises(SourceError, match="no image topic '/top'; it has: /left, /right"):
        open_source(path, topic="/top")
    assert len(list(open_source(path, topic="/right"))) == 4


def test_bag_without_images_names_its_topics(bag):
    path = bag({"/truth": [boxed(None, 0)]})
    with pytest.raises(SourceError, match="has no image topic, only /truth"):
        open_source(path)


@pytest.mark.parametrize("storage", STORAGES)
def test_recording_without_metadata_is_read(bag, images, storage, caplog):
    path = bag({"/camera": images()}, storage)
    (path / "metadata.yaml").unlink()
    assert len(list(open_source(path))) == 6
    assert "metadata" in caplog.text


@pytest.mark.parametrize("storage", STORAGES)
def test_truncated_recording_is_read_as_far_as_it_goes(bag, storage, caplog):
    noise = np.random.default_rng(0).integers(0, 255, (8, 300, 400, 3), np.uint8)
    path = bag({"/camera": [image(p, i) for i, p in enumerate(noise)]}, storage)
    file = next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])
    frames = list(open_source(path))
    assert 0 < len(frames) < 8
    for frame, picture in zip(frames, noise, strict=False):
        np.testing.assert_array_equal(frame.image, picture)
    assert caplog.text.count("is damaged") == 1
    assert caplog.text.count("breaks off after") == 1


@pytest.mark.parametrize("storage", STORAGES)
def test_cut_anywhere_gives_frames_or_one_sentence(bag, images, storage, caplog, tmp_path):
    caplog.set_level(logging.ERROR)
    path = bag({"/camera": images()}, storage)
    file = next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    data = file.read_bytes()
    outcomes = set()
    for length in range(1, len(data), len(data) // 23):
        copy = tmp_path / f"cut{file.suffix}"
        copy.write_bytes(data[:length])
        try:
            outcomes.add(len(list(open_source(copy))) <= 6)
        except SourceError as error:
            assert str(copy) in str(error)
            outcomes.add("error")
    assert outcomes == {True, "error"}


@pytest.mark.parametrize("storage", STORAGES)
def test_damage_anywhere_gives_frames_or_one_sentence(bag, images, storage, caplog, tmp_path):
    caplog.set_level(logging.ERROR)
    path = bag({"/camera": images()}, storage)
    file = next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    data = file.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(40):
        damaged = np.frombuffer(data, np.uint8).copy()
        at = random.integers(0, len(data) - 16)
        damaged[at : at + 16] = random.integers(0, 255, 16)
        copy = tmp_path / f"damaged{file.suffix}"
        copy.write_bytes(damaged.tobytes())
        try:
            assert len(list(open_source(copy))) <= 6
        except SourceError as error:
            assert str(copy) in str(error)


def test_unreadable_image_is_skipped_and_named(bag, images, caplog):
    recorded = images()
    recorded[2].encoding = "nv42"
    frames = list(open_source(bag({"/camera": recorded})))
    assert [f.index for f in frames] == [0, 1, 3, 4, 5]
    assert "1 of 6 images on /camera" in caplog.text
    assert "nv42" in caplog.text


def test_only_unreadable_images_is_an_error(bag, images):
    recorded = images()
    for message in recorded:
        message.encoding = "nv42"
    with pytest.raises(SourceError, match=r"none of the 6 images on /camera .*nv42"):
        list(open_source(bag({"/camera": recorded})))


def test_no_bag_at_all(tmp_path):
    path = tmp_path / "fake.mcap"
    path.write_bytes(b"these are not the bytes of a bag")
    with pytest.raises(SourceError, match=r"fake\.mcap is not a readable bag"):
        open_source(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(path, folder / "metadata.yaml")
    with pytest.raises(SourceError, match="folder is not a readable bag"):
        open_source(folder)


def test_image_with_unset_stamp_takes_the_log_time(bag, images):
    recorded = images(2)
    for message in recorded:
        message.header.stamp.sec = message.header.stamp.nanosec = 0
    frames = list(open_source(bag({"/camera": recorded})))
    assert [f.stamp_ns for f in frames] == [START + DELAY, START + PERIOD + DELAY]
