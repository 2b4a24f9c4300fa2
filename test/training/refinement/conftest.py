"""Shards of bright boxes on dark noise: tracks, objects with masks, and backgrounds."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def encode(image):
    return cv2.imencode(".png", image)[1].tobytes()


def picture(rng, x, y, w, h):
    """Dark noise with bright noise in the box: uint8 [150, 200, 3]."""
    image = rng.integers(0, 50, (150, 200, 3), np.uint8)
    image[y : y + h, x : x + w] = rng.integers(190, 255, (h, w, 3), np.uint8)
    return image


@pytest.fixture(scope="session")
def refiner_shards(tmp_path_factory):
    """A folder of shards; read only."""
    folder, rng = tmp_path_factory.mktemp("refiner"), np.random.default_rng(0)
    with tarfile.open(folder / "video-0.tar", "w") as tar:
        index = []
        for clip in range(6):
            frames = []
            for number in range(6):
                box = (50 + 4 * number, 40 + 2 * number, 30 + 4 * clip, 44 - 3 * number)
                frames.append({"image": f"{clip}/{number}.png", "box": box})
                add(tar, frames[-1]["image"], encode(picture(rng, *box)))
            index.append({"clip": str(clip), "frames": frames})
        add(tar, "index.json", json.dumps(index).encode())
    with tarfile.open(folder / "masks-0.tar", "w") as tar:
        index = []
        for number in range(3):
            box = (60, 50, 36 + 6 * number, 40)
            x, y, w, h = box
            mask = np.zeros((150, 200), np.uint8)
            mask[y : y + h, x : x + w] = 255
            add(tar, f"{number}.png", encode(picture(rng, *box)))
            add(tar, f"{number}-mask.png", encode(mask))
            target = {"box": box, "mask": f"{number}-mask.png"}
            index.append({"image": f"{number}.png", "objects": [target]})
        add(tar, "index.json", json.dumps(index).encode())
    with tarfile.open(folder / "imagenet1k-0.tar", "w") as tar:
        add(tar, "0.png", encode(rng.integers(0, 50, (90, 120, 3), np.uint8)))
        add(tar, "index.json", json.dumps([{"image": "0.png", "objects": []}]).encode())
    return folder
