import numpy as np
import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.sources import open_source
from tracker_ros.sources.writer import VideoWriter


@pytest.mark.parametrize("suffix", (".mp4", ".avi", ".MP4"))
def test_what_is_written_can_be_read(tmp_path, pictures, suffix):
    path = tmp_path / "new" / f"clip{suffix}"
    with VideoWriter(path, 12.5) as writer:
        for picture in pictures():
            writer.write(picture)
    source = open_source(path)
    frames = list(source)
    assert source.fps == 12.5
    for frame, picture in zip(frames, pictures(), strict=True):
        assert frame.image.shape == picture.shape
        assert abs(frame.image.mean() - picture.mean()) < 4


def test_odd_and_changing_sizes(tmp_path):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 25) as writer:
        writer.write(np.zeros((33, 47, 3), np.uint8))
        writer.write(np.zeros((60, 80, 3), np.uint8))
    assert [frame.image.shape for frame in open_source(path)] == [(32, 46, 3)] * 2


def test_an_error_leaves_a_playable_file(tmp_path, pictures):
    path = tmp_path / "clip.mp4"
    with pytest.raises(ZeroDivisionError), VideoWriter(path, 25) as writer:
        writer.write(pictures()[0])
        raise ZeroDivisionError
    assert len(list(open_source(path))) == 1


def test_what_cannot_be_written(tmp_path, pictures):
    with pytest.raises(SourceError, match=r"clip\.gif is no video that can be written"):
        VideoWriter(tmp_path / "clip.gif", 25)
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "clip.mp4", 25)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        VideoWriter(tmp_path / "folder.mp4", 25).write(pictures()[0])
