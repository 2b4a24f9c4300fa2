"""Videos of changing rate, as phones and screen recorders make them."""

import logging
import struct

import numpy as np
import pytest

from tracker_ros.sources import open_source

TIMES = np.cumsum([0, *np.random.default_rng(1).integers(10, 60, 29)])  # ms


def retime_mkv(path, rated=True):
    """Give the frames of a Matroska file, filmed at 25 frames/s, the times above."""
    data = path.read_bytes()
    for i, time in enumerate(TIMES):
        for flags in (b"\x80", b"\0"):
            old = b"\x81" + struct.pack(">h", 40 * i) + flags
            if data.count(old) == 1:
                data = data.replace(old, b"\x81" + struct.pack(">h", time) + flags)
                break
        else:
            raise AssertionError(f"frame {i} is not where it was")
    if not rated:  # no default duration: something void in its place
        at = data.index(b"\x23\xe3\x83\x84")
        data = data[:at] + b"\xec\x86" + data[at + 2 :]
    path.write_bytes(data)


def retime_mp4(path):
    """The same for MP4 and QuickTime files, whose index is behind the pictures."""
    data = path.read_bytes()
    steps = np.append(np.diff(TIMES), 40)
    scale = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    table = b"".join(struct.pack(">II", 1, step * scale // 1000) for step in steps)
    at = data.index(b"stts") + 8
    grown = 8 * (len(steps) - 1)
    data = data[:at] + struct.pack(">I", len(steps)) + table + data[at + 12 :]
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"):
        place = data.index(name) - 4
        size = struct.unpack_from(">I", data, place)[0] + grown
        data = data[:place] + struct.pack(">I", size) + data[place + 4 :]
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ("mp4", "mov", "mkv"))
def test_stamps_are_the_containers(video, suffix, caplog):
    path = video(count=len(TIMES), name=f"clip.{suffix}", codec="mp4v")
    retime_mkv(path) if suffix == "mkv" else retime_mp4(path)
    source = open_source(path)
    stamps = [frame.stamp_ns / 1e6 for frame in source]
    np.testing.assert_allclose(stamps, TIMES, atol=2)
    assert 20 < source.fps < 40
    assert not caplog.text


def test_a_container_that_tells_its_clock_for_a_rate(video, caplog):
    """As MediaRecorder's WebM does, which has no default duration."""
    path = video(count=len(TIMES), name="clip.mkv", codec="mp4v")
    retime_mkv(path, rated=False)
    source = open_source(path)
    assert source.fps == pytest.approx(1000 * 29 / TIMES[-1], rel=0.3)
    assert 20 < source.length < 45
    assert [frame.stamp_ns / 1e6 for frame in source] == list(TIMES)
    assert not caplog.text


def test_a_rate_of_ones_own_still_replaces_the_stamps(video):
    path = video(count=len(TIMES), name="clip.mkv", codec="mp4v")
    retime_mkv(path)
    stamps = [frame.stamp_ns for frame in open_source(path, rate=50)]
    assert stamps == [i * 20_000_000 for i in range(len(TIMES))]


def test_loop_goes_on_rising(video):
    path = video(count=len(TIMES), name="clip.mkv", codec="mp4v")
    retime_mkv(path)
    stamps = []
    for frame in open_source(path, loop=True):
        stamps.append(frame.stamp_ns)
        if len(stamps) == 70:
            break
    assert (np.diff(stamps) > 0).all()


def test_a_cut_file_is_told(video, caplog):
    caplog.set_level(logging.WARNING)
    path = video(count=40, name="clip.mkv", codec="mp4v")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert 0 < len(list(open_source(path))) < 40
    assert "of the 1.6 s that its header promises" in caplog.text
