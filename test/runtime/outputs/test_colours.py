"""Each target has its colour."""

import colorsys
import itertools

import numpy as np

from tracker_ros.runtime.outputs import overlay
from tracker_ros.runtime.outputs.colours import colour_of


def test_numbers_next_to_each_other_differ_in_hue():
    for prefix in ("", "cup "):
        hues = [colorsys.rgb_to_hsv(*colour_of(f"{prefix}{n}"))[0] for n in range(1, 6)]
        for one, other in itertools.combinations(hues, 2):
            assert min(abs(one - other), 1 - abs(one - other)) > 0.05


def test_any_id_has_a_colour_that_stays():
    for one in ("", "anna", "äß/7", "9" * 40, "-1"):
        assert colour_of(one) == colour_of(one)
        assert all(0 <= part <= 1 for part in colour_of(one))


def test_targets_are_drawn_in_their_colours():
    image = np.full((240, 320, 3), 60, np.uint8)
    boxes = {"1": (20.0, 80.0, 60.0, 60.0), "2": (150.0, 80.0, 60.0, 60.0), "3": None}
    targets = [(one, "LOST" if box is None else "TRACKING", 0.5, box) for one, box in boxes.items()]
    canvas = overlay.draw_all(image, targets)
    assert (image == 60).all()
    for one, box in boxes.items():
        if box:
            colour = np.array(colour_of(one))[::-1] * 255
            assert np.abs(canvas[80, int(box[0]) + 30] - colour).max() < 2
