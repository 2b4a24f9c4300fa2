"""Warnings about how images come, and that each of them ends."""

import pytest

from tracker_ros.runtime.outputs.input_health import COUNTERS, InputHealth


class Camera:
    """Images of one camera, and what the node counts of them once a second."""

    def __init__(self):
        self.health = InputHealth()
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._now = 100.0

    def run(self, seconds: int, offset: float = -0.01, **each: int) -> list[str]:
        """So many seconds, each with so much of every counter; the warnings at the end."""
        for _ in range(seconds):
            for name, count in each.items():
                self._counters[name] += count
            self.health.see(self._now + offset, self._now, "bgr8")
            self.health.sample(self._now, dict(self._counters))
            self._now += 1.0
        return self.health.warnings(["camera"])


@pytest.mark.parametrize("name, words", [
    ("overtaken", "50 of 150 images of the last 5 s were dropped: they come faster"),
    ("misfits", "50 of 200 images of the last 5 s were dropped: their stamps do not fit"),
    ("lost", "50 of 200 images of the last 5 s were lost in transport"),
])  # fmt: skip
def test_what_happens_to_many_images_is_told_until_it_ends(name, words):
    camera = Camera()
    assert camera.run(10, received=30) == []
    (warning,) = camera.run(10, received=30, **{name: 10})
    assert warning.startswith(words)
    assert camera.run(10, received=30) == []


def test_few_images_are_no_trouble():
    assert Camera().run(10, received=30, overtaken=2, lost=2, misfits=2) == []
    assert Camera().run(2, received=1, overtaken=1) == []


def test_no_more_images_were_dropped_than_there_were():
    camera = Camera()
    camera.run(10, received=30)
    camera.run(10, received=1)
    (warning,) = camera.run(1, overtaken=29)
    assert warning.startswith("29 of 29 images of the last 5 s were dropped")


def test_counters_that_begin_anew_are_followed():
    camera = Camera()
    camera.run(10, received=30, overtaken=29)
    camera._counters = dict.fromkeys(COUNTERS, 0)
    assert camera.run(10, received=30) == []


def test_several_publishers_are_named():
    health = InputHealth()
    assert health.warnings(["left"]) == health.warnings([]) == []
    assert health.warnings(["left", "right"]) == ["2 publish images here: left, right"]


def test_rate_size_and_encoding():
    camera = Camera()
    assert camera.health.values() == {"rate_hz": "0.00", "size": "", "encoding": ""}
    camera.health.see_size(640, 480)
    camera.run(10, received=29, malformed=1)
    assert camera.health.values() == {"rate_hz": "30.00", "size": "640x480", "encoding": "bgr8"}


@pytest.mark.parametrize("offset, words", [
    (3600.0, "stamps are 3600.000 s ahead of the node's clock"),
    (1.5, "stamps are 1.500 s ahead"),
    (-3600.0, "stamps are 3600.000 s behind the node's clock"),
    (-6.0, "stamps are 6.000 s behind"),
    (-104.0, "stamps are 0: "),
])  # fmt: skip
def test_stamps_of_another_clock_are_told_until_they_are_right(offset, words):
    camera = Camera()
    camera.run(4, received=30)
    assert camera.health.stamp_warning() is None
    camera.run(1, offset, received=30)
    assert camera.health.stamp_warning().startswith(words)
    camera.run(1, received=30)
    assert camera.health.stamp_warning() is None


def test_simulated_clock_that_stands_still_is_told():
    health = InputHealth()
    health.see(17.0, 0.0, "")
    for second in (0.0, 1.0):
        health.sample(second, dict.fromkeys(COUNTERS, int(second)))
    assert "nobody publishes /clock" in health.stamp_warning()
    assert health.stamp_values() == {"delay_s": "unknown"}
