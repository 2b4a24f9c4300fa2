"""Several processes on the same sequences, for real."""

import os
from dataclasses import fields
from functools import partial

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import InputError, SourceError, TrackerError
from tracker_ros.evaluation.one_pass import run_sequence
from tracker_ros.evaluation.parallel import Share, is_done, run_all
from tracker_ros.evaluation.peers import Peer
from tracker_ros.evaluation.results import SequenceResult, result_path
from tracker_ros.sources.sequences import find_sequences, open_sequence

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture
def sequences(tmp_path):
    texture = np.random.default_rng(0).integers(90, 255, (24, 24, 3), np.uint8)
    for speed, name in enumerate(NAMES, 1):
        folder = tmp_path / "set" / name
        (folder / "img").mkdir(parents=True)
        boxes = [(5 + speed * i, 20, 24, 24) for i in range(8)]
        for i, (x, y, w, h) in enumerate(boxes):
            image = np.full((64, 96, 3), 30, np.uint8)
            image[y : y + h, x : x + w] = texture
            cv2.imwrite(str(folder / "img" / f"{i}.png"), image)
        lines = (",".join(map(str, box)) for box in boxes)
        (folder / "groundtruth_rect.txt").write_text("\n".join(lines))
    return find_sequences(tmp_path / "set")


def load(folder):
    return {name: SequenceResult.load(result_path(folder, "kcf", name)) for name in NAMES}


def test_results_do_not_depend_on_the_number_of_processes(sequences, tmp_path):
    counts = []
    for jobs in (1, 2):
        frames = []
        folder = tmp_path / str(jobs)
        run_all("kcf", partial(Peer, "kcf"), sequences, run_sequence, folder, jobs, frames.append)
        counts.append(sum(frames))
    assert counts == [5 * 8] * 2
    alone, together = load(tmp_path / "1"), load(tmp_path / "2")
    for name in NAMES:
        for field in fields(SequenceResult):
            if field.name != "seconds":
                one, two = getattr(alone[name], field.name), getattr(together[name], field.name)
                np.testing.assert_array_equal(one, two)


def test_an_error_in_a_process_is_ours(sequences, tmp_path):
    sequences[2].paths[4].write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"c.img.4\.png is not a picture"):
        run_all("kcf", partial(Peer, "kcf"), sequences, run_sequence, tmp_path / "out", 2)
    kept = [s for s in sequences if is_done(tmp_path / "out", "kcf", s, SequenceResult.load)]
    assert sequences[2] not in kept


def test_a_process_that_dies_is_told(sequences, tmp_path):
    with pytest.raises(TrackerError, match=r"ended with exit code 3; .* are kept"):
        run_all("kcf", partial(os._exit, 3), sequences, run_sequence, tmp_path / "out", 2)


def test_a_result_of_another_truth_is_not_taken(sequences, tmp_path):
    first = sequences[0]
    run_all("kcf", partial(Peer, "kcf"), [first], run_sequence, tmp_path / "out")
    assert is_done(tmp_path / "out", "kcf", first, SequenceResult.load)
    assert not is_done(tmp_path / "out", "mil", first, SequenceResult.load)
    first.origin.write_text("1,20,24,24\n" * 8)
    with pytest.raises(InputError, match=r"a\.npz was made with another truth"):
        is_done(tmp_path / "out", "kcf", open_sequence(first.origin.parent), SequenceResult.load)


def test_shares_cover_every_run_once(monkeypatch):
    assert Share.of_environment() == Share(0, 1, 0, 1)
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "3")
        shares += Share.of_environment().of(list(range(10)))
    assert sorted(shares) == list(range(10))


@pytest.mark.parametrize(
    ("rank", "count", "message"), (("3", "3", "RANK 3 is not below"), ("x", "1", "RANK is 'x'"))
)
def test_an_impossible_share(monkeypatch, rank, count, message):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", count)
    with pytest.raises(InputError, match=message):
        Share.of_environment()
