"""Many targets in one call: the same answers as one by one, and none moves when one cannot."""

import re
from dataclasses import replace

import numpy as np
import pytest

from test.core.tracker.red import BOX, CONFIG, GOOD, MeasuringEngine, RedEngine, frame
from tracker_ros.core.batch import (
    MEMORISED,
    RESCALED,
    locate_all,
    remember_all,
    update_all,
)
from tracker_ros.core.errors import InputError, ParameterError, TrackerError
from tracker_ros.core.geometry.camera import Background
from tracker_ros.core.tracker import Tracker

OTHER = (20, 70, 16, 24)


def crowd(*boxes, engine=None):
    """Trackers that share an engine, and each one's picture of its own target."""
    trackers = [Tracker(engine or RedEngine())]
    trackers += [trackers[0].fork() for _ in boxes[1:]]
    for tracker, box in zip(trackers, boxes, strict=True):
        tracker.init(frame(box), box)
    return trackers, [frame((x + 3, y - 2, w, h)) for x, y, w, h in boxes]


def told(result):
    return result.box, result.score, result.state, result.gate


def test_each_gets_the_answer_that_it_would_get_alone():
    trackers, images = crowd(BOX, OTHER)
    loners, _ = crowd(BOX, OTHER)
    for _ in range(3):
        together = update_all(trackers, images)
        alone = [tracker.update(image) for tracker, image in zip(loners, images, strict=True)]
        assert [told(result) for result in together] == [told(result) for result in alone]
    assert [tracker.memory_size for tracker in trackers] == [4, 4]
    assert together[0].box != together[1].box


def test_how_the_camera_moves_is_told_once_for_all(monkeypatch):
    trackers, images = crowd(BOX, OTHER, engine=RedEngine(replace(CONFIG, motion=0.8)))
    seen, of = [], Background.of
    monkeypatch.setattr(Background, "of", lambda *given: seen.append(given) or of(*given))
    for _ in range(3):
        locate_all(trackers, images[:1] * 2)
    assert len(seen) == 2 + 1 + 1  # at first each has seen another image


def test_only_those_with_something_to_learn_remember():
    trackers, images = crowd(BOX, OTHER)
    images[1] = frame((20, 70, 16, 24), score=0.5)  # tracked, below memory_score
    locate_all(trackers, images)
    gates = remember_all(trackers)
    assert gates[0].branch == "se" and gates[1] is None
    assert [tracker.memory_size for tracker in trackers] == [2, 1]
    assert remember_all(trackers) == [None, None]


def test_one_bad_image_moves_none():
    trackers, images = crowd(BOX, OTHER)
    before = [tracker.last_box for tracker in trackers]
    with pytest.raises(InputError, match="uint8"):
        locate_all(trackers, [images[0], images[1].astype(np.float32)])
    assert [tracker.last_box for tracker in trackers] == before
    assert [result.score for result in locate_all(trackers, images)] == pytest.approx([GOOD] * 2)


def test_a_tracker_without_target_is_named():
    trackers, images = crowd(BOX, OTHER)
    trackers[1].reset()
    with pytest.raises(TrackerError, match="no target"):
        update_all(trackers, images)


def test_strangers_twins_and_missing_images_are_refused():
    trackers, images = crowd(BOX, OTHER)
    with pytest.raises(ParameterError, match=r"fork\(\)"):
        update_all([trackers[0], crowd(BOX)[0][0]], images)
    with pytest.raises(ParameterError, match="twice"):
        update_all([trackers[0], trackers[0]], images)
    with pytest.raises(ParameterError, match="2 trackers need as many images, not 1"):
        update_all(trackers, images[:1])
    assert update_all([], []) == []


@pytest.mark.parametrize("call", [update_all, locate_all, lambda some, _: remember_all(some)])
def test_what_are_no_trackers_is_told(call):
    (tracker, other), images = crowd(BOX, OTHER)
    for wrong, sentence in (
        (tracker, "trackers is Tracker, not a list of them"),
        (None, "trackers is NoneType, not a list of them"),
        ("ab", "number 1 of the trackers is str, not a Tracker, as load_tracker"),
        ([tracker, None], "number 2 of the trackers is NoneType, not a Tracker"),
        ([tracker, images[1]], "number 2 of the trackers is ndarray, not a Tracker"),
        ({1: tracker, 2: other}, "number 1 of the trackers is int, not a Tracker"),
    ):
        with pytest.raises(ParameterError, match=re.escape(sentence)):
            call(wrong, images)


def test_what_are_no_images_is_told_and_any_iterable_will_do():
    trackers, images = crowd(BOX, OTHER)
    for wrong, error, sentence in (
        (None, ParameterError, "images is NoneType, not a list of them"),
        (3, ParameterError, "images is int, not a list of them"),
        ("ab", InputError, "image is str"),
        ([images[0], None], InputError, "image is NoneType"),
    ):
        with pytest.raises(error, match=sentence):
            update_all(trackers, wrong)
    named = dict(enumerate(trackers))
    for some in (iter(trackers), named.values(), tuple(trackers)):
        assert len(update_all(some, iter(images))) == 2
    assert [tracker.memory_size for tracker in trackers] == [4, 4]


def test_many_take_turns_at_looking_at_the_scale_and_at_memorising():
    config = replace(CONFIG, scale_step=0.1, memory_interval=2)
    count = 2 * max(RESCALED, MEMORISED) + 1
    trackers, images = crowd(*[BOX] * count, engine=MeasuringEngine(config))
    others, sizes = [], []
    locate_all_of_engine = trackers[0].engine.locate_all

    def note(queries):
        others.append([query.other is not None for query in queries])
        return locate_all_of_engine(queries)

    trackers[0].engine.locate_all = note
    for _ in range(8):
        update_all(trackers, images)
        sizes.append([one.memory_size for one in trackers])
    assert [sum(asked) for asked in others] == [0, *[RESCALED] * 7]
    assert np.sum(others, 0).min() >= 2  # none is left out
    assert np.diff(sizes, axis=0).sum(1).tolist() == [MEMORISED] * 7
    assert min(sizes[-1]) >= 3  # the first frame, and two more
