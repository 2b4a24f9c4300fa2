"""The report's files open and show what they should."""

import cv2
import numpy as np
import pytest

from tracker_ros.core.gate import Gate
from tracker_ros.replay.pictures import (
    SHEET_COLUMNS,
    TILE_WIDTH,
    annotate,
    draw_frames,
    draw_timeline,
)
from tracker_ros.replay.summary import Output
from tracker_ros.sources import open_source

FRAMES, WIDTH, HEIGHT = 9, 161, 120  # an odd width, which MPEG-4 cannot store
BOX = (60.0, 50.0, 30.0, 20.0)
NOWHERE = (np.nan,) * 4
GATE = Gate((0.1, 0.2, 0.3, 0.4), "cbam")


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(FRAMES):
        image = np.full((HEIGHT, WIDTH, 3), 20 * index, np.uint8)
        cv2.imwrite(str(folder / f"{index:03}.png"), image)
    return folder


@pytest.fixture
def outputs():
    box = {index: None if index == 5 else BOX for index in range(FRAMES) if index != 3}
    return {
        index: Output(index, box, 0.7, "TRACKING" if box else "LOST", GATE if index else None, 9.0)
        for index, box in box.items()
    }


def read_video(path):
    capture = cv2.VideoCapture(str(path))
    pictures = []
    while (got := capture.read())[0]:
        pictures.append(got[1])
    return pictures


def test_video_and_contact_sheet(frames, outputs, tmp_path):
    seen = []
    with open_source(frames) as source:
        draw_frames(source, {"": outputs}, {"": {1: BOX}}, 30.0, tmp_path, lambda: seen.append(1))
    video = read_video(tmp_path / "annotated.mp4")
    assert len(video) == len(seen) == FRAMES
    assert video[0].shape == (HEIGHT, WIDTH - 1, 3)
    for index, picture in enumerate(video):
        assert np.median(picture) == pytest.approx(20 * index, abs=6)
    sheet = cv2.imread(str(tmp_path / "contact_sheet.png"))
    height = round(TILE_WIDTH * HEIGHT / WIDTH)
    assert sheet.shape == (3 * height, SHEET_COLUMNS * TILE_WIDTH, 3)  # nine frames, three missing
    assert not sheet[2 * height :, TILE_WIDTH:].any()


def test_annotation_shows_box_truth_and_gate(outputs):
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    truth = (100.0, 80.0, 40.0, 30.0)
    picture = annotate(image, {"": outputs[1]}, {"": truth})
    assert not image.any()
    assert picture[50, 75].any() and picture[80, 120].any()
    assert picture[90:, :20].any()
    nothing = annotate(image, {"": outputs[5]}, {"": NOWHERE})
    assert not nothing[45:75, 55:95].any()
    assert annotate(image, {"": None}, {"": None})[:20].any()


@pytest.mark.parametrize("truth", [None, {0: BOX, 1: BOX, 2: NOWHERE, 5: BOX}])
def test_timeline(outputs, truth, tmp_path):
    path = tmp_path / "timeline.png"
    draw_timeline({"": outputs}, {"": truth or {}}, FRAMES, 30.0, path)
    picture = cv2.imread(str(path))
    assert picture.shape[0] >= 550 and picture.shape[1] > 800
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
