import re
import subprocess
import sys
from contextlib import suppress

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.sources import open_source
from tracker_ros.sources.writer import VideoWriter, writable_rate


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


@pytest.mark.parametrize("suffix", (".mp4", ".avi"))
@pytest.mark.parametrize(
    "fps",
    (0.0001, 0.01, 1 / 3, 23.976, 66.667, 105.611, 333.333, 599.94, 1000 / 15, 20_000.5, 90_000),
)
def test_every_rate_can_be_written(tmp_path, pictures, suffix, fps, caplog):
    path = tmp_path / f"clip{suffix}"
    with VideoWriter(path, fps) as writer:
        for picture in pictures():
            writer.write(picture)
    source = open_source(path)
    assert len(list(source)) == 6
    # OpenCV 4.5 divides 6 frames by the 5 pauses between them where the rate is very high.
    old = cv2.__version__ < "4.6" and fps > 10_000
    assert source.fps == pytest.approx(writable_rate(fps, suffix), rel=0.21 if old else 0.01)
    if fps == pytest.approx(writable_rate(fps, suffix), rel=0.01):
        assert not caplog.text
    else:
        assert f"{path} is written at" in caplog.text


@pytest.mark.parametrize("suffix", (".mp4", ".avi"))
def test_a_full_disk_ends_in_a_sentence_and_a_playable_file(tmp_path, suffix):
    """No file may grow beyond a limit: what OpenCV does not say, as it does not of a full disk."""
    path = tmp_path / f"clip{suffix}"
    script = (
        "import resource, sys, numpy as np; from pathlib import Path\n"
        "from tracker_ros.sources.writer import VideoWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "random = np.random.default_rng(0)\n"
        "with VideoWriter(Path(sys.argv[1]), 25) as writer:\n"
        "    for _ in range(1000):\n"
        "        writer.write(random.integers(0, 255, (120, 160, 3), np.uint8))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=False
    )
    assert "SourceError" in run.stderr
    frames = int(re.search(rf"{path}: the disk is full after (\d+) frames", run.stderr)[1])
    assert 5 < frames < 1000
    assert len(list(open_source(path))) == frames


@pytest.mark.parametrize("error", (None, KeyboardInterrupt, SystemExit, ValueError))
def test_an_older_video_is_replaced_by_a_whole_one_or_by_the_user(tmp_path, pictures, error):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 25) as writer:
        for picture in pictures():
            writer.write(picture)
    with suppress(error or ()), VideoWriter(path, 25) as writer:
        writer.write(pictures()[0])
        assert len(list(open_source(path))) == 6
        if error:
            raise error
    assert len(list(open_source(path))) == (6 if error is ValueError else 1)
    with suppress(ZeroDivisionError), VideoWriter(path, 25):
        raise ZeroDivisionError  # before there is a picture
    assert path.exists()


def test_a_video_goes_through_links_and_to_no_device(tmp_path, pictures):
    (tmp_path / "link.mp4").symlink_to("clip.mp4")
    with VideoWriter(tmp_path / "link.mp4", 25) as writer:
        writer.write(pictures()[0])
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(list(open_source(tmp_path / "clip.mp4"))) == 1
    (tmp_path / "null.mp4").symlink_to("/dev/null")
    with pytest.raises(SourceError, match="is no regular file"):
        VideoWriter(tmp_path / "null.mp4", 25)
