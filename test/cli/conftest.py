"""A small sequence and a small untrained model: what the commands need to run for real."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def sequence(tmp_path):
    """Write an OTB folder of `frames` pictures with a textured square that moves right."""

    def write(frames, name="square", size=(60, 80)):
        folder = tmp_path / "sequences" / name
        (folder / "img").mkdir(parents=True)
        texture = np.random.default_rng(0).integers(100, 255, (20, 20, 3), np.uint8)
        boxes = []
        for i in range(frames):
            image = np.full((*size, 3), 40, np.uint8)
            x = 5 + i % (size[1] - 30)
            image[20:40, x : x + 20] = texture
            cv2.imwrite(str(folder / "img" / f"{i:05}.png"), image)
            boxes.append(f"{x},20,20,20")
        (folder / "groundtruth_rect.txt").write_text("\n".join(boxes))
        return folder

    return write
