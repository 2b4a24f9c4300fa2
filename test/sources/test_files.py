import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.errors import SourceError
from tracker_ros.sources import open_source
from tracker_ros.sources.folder import read_boxes


def test_video_gives_every_frame_in_order(video, pictures):
    with open_source(video()) as source:
        frames = list(source)
        assert (source.fps, source.length, source.truth) == (25, 6, None)
    assert [f.stamp_ns for f in frames] == [i * 40_000_000 for i in range(6)]
    for frame, picture in zip(frames, pictures(), strict=True):
        assert frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8
        assert abs(frame.image.mean() - picture.mean()) < 3


def test_rate_replaces_the_stamps(video):
    source = open_source(video(), rate=10)
    assert source.fps == 10
    assert [f.stamp_ns for f in source] == [i * 100_000_000 for i in range(6)]


def test_loop_starts_again_with_rising_stamps(video):
    frames = []
    for frame in open_source(video(count=3), loop=True):
        frames.append(frame)
        if len(frames) == 8:
            break
    assert [f.index for f in frames] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [f.stamp_ns for f in frames] == [i * 40_000_000 for i in range(8)]


@pytest.mark.parametrize("rate", (0, -1, 1e-300, float("nan"), float("inf")))
def test_impossible_rate(video, rate):
    with pytest.raises(SourceError, match="rate is"):
        open_source(video(), rate=rate)


def test_truncated_avi_is_read_as_far_as_it_goes(video, caplog):
    path = video(count=40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert 0 < len(list(open_source(path))) < 40
    assert "of the 1.6 s that its header promises" in caplog.text


def test_truncated_mp4_is_an_error(video):
    path = video(name="clip.mp4", codec="mp4v")
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(SourceError, match=r"clip\.mp4 is not a video"):
        open_source(path)


def test_folder_is_read_in_natural_order(tmp_path, pictures):
    for i, picture in enumerate(pictures(12)):
        cv2.imwrite(str(tmp_path / f"frame{i}.png"), picture)
    (tmp_path / "notes.txt").write_text("not a picture")
    source = open_source(tmp_path)
    assert source.length == 12
    assert [f.name for f in source] == [f"frame{i}.png" for i in range(12)]
    for frame, picture in zip(source, pictures(12), strict=True):
        np.testing.assert_array_equal(frame.image, picture)


@pytest.mark.parametrize("inner", ("", "img"))
@pytest.mark.parametrize(
    "line", ("{},{},{},{}", "{}\t{}\t{}\t{}", "{} {}  {} {}", "{}, {}, {}, {}")
)
def test_otb_folder_has_truth(otb, line, inner):
    text = "\n".join(line.format(i, 2.5, 10, 12) for i in range(2)) + "\nnan,nan,nan,nan\n"
    source = open_source(otb(text) / inner)
    assert source.length == 3
    assert source.truth[1] == (1, 2.5, 10, 12)
    assert np.isnan(source.truth[2]).all()


def test_otb_range_of_known_sequences(otb):
    folder = otb("1,1,5,5\n" * 74, count=80, name="Football1")
    source = open_source(folder)
    assert source.length == len(source.truth) == 74


@pytest.mark.parametrize(
    "text, message",
    (
        ("1,2,3,4\n1,2,3\n", "line 2 has 3 numbers instead of 4"),
        ("1,2,3,4\n1,2,x,4\n", "line 2 is not 4 numbers: '1,2,x,4'"),
        ("1,2,1_0,4\n", "line 1 is not 4 numbers: '1,2,1_0,4'"),
        ("1,2,3,4\n\n1,2,3,4\n", "line 2 is not 4 numbers"),
        ("1,2,-3,4\n", "line 1 has a negative width"),
        ("1,inf,3,4\n", "line 1 has an infinite value"),
        ("1,1,3,4\n1,1e300,1e300,4\n", "line 2 has a number beyond any picture"),
        ("", "groundtruth_rect.txt is empty"),
        ("1,2,3,4\n" * 4, "has 4 lines, but .* only 3 pictures"),
    ),
)
def test_malformed_truth_is_named(otb, text, message):
    with pytest.raises(SourceError, match=message):
        open_source(otb(text))


@pytest.mark.parametrize("lines, told", ((1, False), (2, True), (3, False)))
def test_pictures_without_a_line_of_truth_are_told(otb, caplog, lines, told):
    assert len(open_source(otb("1,2,3,4\n" * lines)).truth) == lines
    assert ("has 2 lines for 3 pictures: the last 1 have no truth" in caplog.text) == told


@given(st.binary(max_size=200))
def test_any_bytes_are_boxes_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "boxes.txt"
    path.write_bytes(data)
    try:
        assert read_boxes(path).shape[1] == 4
    except SourceError as error:
        assert "boxes.txt" in str(error)


def test_truncated_picture_is_named(otb):
    folder = otb(None)
    path = folder / "img" / "0002.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SourceError, match=r"0002\.jpg .*truncated"):
        list(open_source(folder))


def test_a_pipe_among_the_pictures_is_not_waited_for(otb):
    folder = otb("1,1,5,5\n" * 3)
    os.mkfifo(folder / "img" / "z.jpg")
    with pytest.raises(SourceError, match=r"z\.jpg is not a file"):
        list(open_source(folder))


def test_picture_that_is_none_is_named(otb):
    folder = otb(None)
    (folder / "img" / "0002.jpg").write_bytes(b"not a picture")
    with pytest.raises(SourceError, match=r"0002\.jpg"):
        list(open_source(folder))


def test_what_cannot_be_opened(tmp_path, otb):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    for spec, message in (
        (tmp_path / "none.mp4", "none.mp4 does not exist"),
        (tmp_path / "empty.mp4", "empty.mp4 is empty"),
        (tmp_path / "text.mp4", "text.mp4 is not a video"),
        (otb(None) / "img" / "0001.jpg", "single picture"),
        (tmp_path / "bad\0name", "does not exist|cannot be read"),
        (tmp_path / (300 * "x"), "cannot be read: .*File name too long"),
        ("camera:4095", "camera 4095 cannot be opened"),
        ("camera:2147483648", "does not exist"),
        ("/dev/null", "neither a file nor a folder"),
        ("", "the source has an empty name"),
        ("rtsp://eye/1", "rtsp://eye/1 is a URL; what can be read are files"),
    ):
        with pytest.raises(SourceError, match=message):
            open_source(spec)
    (tmp_path / "hollow").mkdir()
    with pytest.raises(SourceError, match="hollow holds no pictures"):
        open_source(tmp_path / "hollow")


def test_topic_is_only_for_bags(video):
    with pytest.raises(SourceError, match="not a bag"):
        open_source(video(), topic="/camera")


@given(st.text(max_size=40))
def test_any_specification_is_a_source_or_one_sentence(spec):
    if spec.removeprefix("camera:").isdigit():
        return
    try:
        open_source(spec).close()
    except SourceError as error:
        assert str(error)


def test_closed_source_is_an_error(video):
    with open_source(video()) as source:
        pass
    with pytest.raises(SourceError, match="is closed"):
        next(iter(source))


def test_hidden_files_are_left_alone(otb):
    folder = otb("1,1,5,5\n" * 3)
    (folder / "img" / "._0001.jpg").write_bytes(b"\0\5\x16\7 what macOS leaves")
    (folder / "img" / ".hidden.png").touch()
    assert [frame.name for frame in open_source(folder)] == ["0001.jpg", "0002.jpg", "0003.jpg"]


def test_16_bit_pictures_share_the_range_of_the_first(tmp_path):
    grey = np.linspace(0, 255, 64 * 48).reshape(48, 64)
    for i, scale in enumerate((16, 8)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), (grey * scale).astype(np.uint16))
    source = open_source(tmp_path)
    first, second = (frame.image for frame in source)
    assert len(np.unique(first)) > 200 and second.max() < 140
    assert str(source.levels) == "{:g}..{:g}".format(*source.levels.range)


@pytest.mark.parametrize("row", ("0,0,0,0", "nan,nan,nan,nan", "7,7,0,0", "3,4,0,9"))
def test_rows_without_area_say_that_the_target_is_absent(otb, row):
    source = open_source(otb(f"{row}\n1,1,5,5\n{row}\n"))
    assert [bool(np.isnan(source.truth[i]).all()) for i in range(3)] == [True, False, True]
    assert source.truth_origin.endswith("groundtruth_rect.txt")
