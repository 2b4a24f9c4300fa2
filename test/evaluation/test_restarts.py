"""Sequences that are evaluated from several frames on."""

from pathlib import Path

import numpy as np
import pytest

from tracker_ros.evaluation.restarts import restarts
from tracker_ros.sources.sequences import Sequence


def made(length, absent=(), left_out=()):
    truth = np.tile([1.0, 2.0, 3.0, 4.0], (length, 1))
    truth[:, 0] = np.arange(length)
    truth[list(absent)] = np.nan
    scored = ~np.isin(np.arange(length), left_out)
    paths = [Path(f"{i}.jpg") for i in range(length)]
    return Sequence("walk", paths, truth, Path("truth.txt"), ("slow",), scored)


def test_starts_are_spread_evenly_and_run_to_the_end():
    first, *others = restarts(made(10), 3)
    assert first.name == "walk" and len(first) == 10
    assert [(part.name, len(part)) for part in others] == [("walk@4", 7), ("walk@7", 4)]
    for part in others:
        start = 10 - len(part)
        assert part.truth[0, 0] == start and part.paths[0] == Path(f"{start}.jpg")
        assert part.attributes == ("slow",) and len(part.scored) == len(part)


@pytest.mark.parametrize(
    ("hidden", "names"),
    [
        ({"absent": (3, 4)}, ["walk", "walk@6", "walk@7"]),
        ({"left_out": (3,)}, ["walk", "walk@5", "walk@7"]),
        ({"absent": range(3, 7)}, ["walk", "walk@8"]),  # both starts meet
        ({"absent": range(5, 10)}, ["walk", "walk@4"]),
        ({"absent": [*range(3, 6), *range(7, 10)]}, ["walk"]),  # none is found after frame 7
        ({"absent": range(1, 10)}, ["walk"]),
    ],
)
def test_a_start_waits_for_the_target(hidden, names):
    assert [part.name for part in restarts(made(10, **hidden), 3)] == names


def test_one_start_and_more_starts_than_frames():
    whole = made(4)
    assert restarts(whole, 1) == [whole]
    assert [len(part) for part in restarts(whole, 100)] == [
        4,
        3,
        2,
    ]  # of the last frame nothing would be scored but the start
