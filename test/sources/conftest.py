"""Tiny videos, folders and bags, written by the tests that read them."""

import cv2
import numpy as np
import pytest

from test.bags import write_bag


@pytest.fixture
def pictures():
    """Make N smooth pictures of 48x64 pixels; the mean of each tells its index."""

    def make(count=6):
        ramp = np.linspace(0, 20, 64, dtype=np.uint8)
        return [
            np.repeat((ramp + 20 * (i % 12))[None, :, None], 48, 0).repeat(3, 2)
            for i in range(count)
        ]

    return make


@pytest.fixture
def video(tmp_path, pictures):
    def write(count=6, fps=25, name="clip.avi", codec="MJPG"):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (64, 48))
        for picture in pictures(count):
            writer.write(picture)
        writer.release()
        return path

    return write


@pytest.fixture
def otb(tmp_path, pictures):
    def write(truth, count=3, name="sequence"):
        folder = tmp_path / name
        (folder / "img").mkdir(parents=True)
        for i, picture in enumerate(pictures(count), 1):
            cv2.imwrite(str(folder / "img" / f"{i:04}.jpg"), picture)
        if truth is not None:
            (folder / "groundtruth_rect.txt").write_text(truth)
        return folder

    return write


@pytest.fixture
def bag(tmp_path):
    """Write a bag: topic -> list of messages, recorded in step; returns its directory."""

    def write(topics, storage="mcap", name="bag", compression="none"):
        return write_bag(tmp_path / name, topics, storage, compression)

    return write
