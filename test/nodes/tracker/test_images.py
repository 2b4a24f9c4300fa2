"""Encodings, malformed images, other sizes."""

import array

import cv2
import numpy as np
import pytest

from .calls import reset


@pytest.mark.parametrize("encoding", [
    "bgr8", "rgb8", "bgra8", "rgba8", "mono8", "mono16", "8UC1", "8UC3", "8UC4",
    "16UC1", "32FC1", "bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8", "bayer_rggb16",
    "nv12",
])  # fmt: skip
def test_every_encoding(tracker, scene, encoding):
    def fields(index: int) -> dict:
        pixels = encode(scene.frame(index), encoding)
        padded = np.pad(pixels.reshape(len(pixels), -1).view(np.uint8), ((0, 0), (0, 12)))
        data = array.array("B", padded.tobytes())
        return {"encoding": encoding, "step": padded.shape[1], "data": data, "is_bigendian": 1}

    # The picture has the wrong colours without its encoding, and is sheared without its step.
    reset(tracker)
    stamp = tracker.show(scene.frame(0), **fields(0))
    tracker.init(scene.box(0), stamp)
    tracker.started(stamp, scene.box(0))
    detections, _ = tracker.ask(scene.frame(1), **fields(1))
    assert tracker.overlap(detections, scene.box(1)) > 0.5


def encode(bgr: np.ndarray, encoding: str) -> np.ndarray:
    """What a camera sends of `bgr`; 16 bits in big-endian order."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    if encoding.startswith("bayer"):
        mosaic = np.empty_like(grey)
        for i, colour in enumerate(encoding[6:10]):
            at = (slice(i // 2, None, 2), slice(i % 2, None, 2))
            mosaic[at] = bgr[..., "bgr".index(colour)][at]
        return mosaic.astype(">u2") * 16 if encoding.endswith("16") else mosaic
    if encoding == "nv12":
        planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
        colours = planes[len(bgr) :].reshape(2, -1).T.reshape(len(bgr) // 2, -1)
        return np.vstack((planes[: len(bgr)], colours))
    return {
        "bgr8": bgr, "8UC3": bgr, "rgb8": bgr[..., ::-1], "mono8": grey, "8UC1": grey,
        "bgra8": cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA),
        "8UC4": cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA),
        "rgba8": cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA),
        # Of the 16 bits a thermal camera uses few.
        "mono16": (grey.astype(np.uint16) * 4 + 7000).astype(">u2"),
        "16UC1": grey.astype(">u2"),
        "32FC1": (grey / 50).astype(">f4"),
    }[encoding].copy()  # fmt: skip


@pytest.mark.parametrize("fields, words", [
    ({"encoding": "nv42"}, "/camera1/image: image encoding 'nv42' is not one of"),
    ({"width": 0, "height": 0, "data": array.array("B")}, "image of 0x0 pixels"),
    ({"data": array.array("B", bytes(1000))}, "image data has 1000 bytes"),
    ({"step": 100}, "image step is 100 bytes"),
    ({"width": 2**31}, "each side must be between"),
])  # fmt: skip
def test_malformed_image_is_diagnosed_and_the_next_good_one_tracked(tracker, scene, fields, words):
    target = tracker.start(scene.frame(0), scene.box(0))
    bad = tracker.send(scene.frame(1), **fields)
    status = tracker.diagnosis("input", words)
    assert status.level == b"\x02"
    detections, values = tracker.ask(scene.frame(1))
    assert values["target_id"] == target
    assert tracker.overlap(detections, scene.box(1)) > 0.5
    assert bad not in tracker.detections
    (refused,) = tracker.statuses[bad]
    assert refused["state"] == "ERROR"


def test_image_of_another_size_is_not_tracked_in(tracker, scene):
    target = tracker.start(scene.frame(0), scene.box(0))
    detections, values = tracker.ask(np.ascontiguousarray(scene.frame(1)[::2, ::2]))
    assert (list(detections.detections), values["state"]) == ([], "ERROR")
    tracker.diagnosis("target", "160x120 pixels, but was 320x240")
    detections, values = tracker.ask(scene.frame(1))
    assert (values["target_id"], len(detections.detections)) == (target, 1)


def test_a_target_that_is_dropped_for_a_new_size_is_said_beside_what_was_wrong(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0))
    tracker.diagnostics.clear()
    for _ in range(3):
        tracker.ask(np.ascontiguousarray(scene.frame(1)[::2, ::2]))
    status = tracker.diagnosis("target", "was dropped: for 3 frames in a row", last=True)
    assert status.level == b"\x02"
    assert "160x120 pixels, but was 320x240 when the target was initialised; " in status.message
