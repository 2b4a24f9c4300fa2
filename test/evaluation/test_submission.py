import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.evaluation.results import SequenceResult
from tracker_ros.evaluation.submission import write_submission


@pytest.fixture
def results():
    return [
        SequenceResult(
            sequence=name,
            boxes=np.array([[1, 2, 3, 4], [1.23456, 2, 30.5, 1e3]]),
            truth=np.array([[1, 2, 3, 4], [np.nan] * 4]),
            scores=np.ones(2),
            seconds=np.array([0.5, 0.0123456789]),
            lost=np.zeros(2, bool),
            gates=np.full((2, 4), np.nan, np.float32),
            branches=np.full(2, -1, np.int8),
            scored=np.ones(2, bool),
            size=(64, 48),
        )
        for name in ("GOT-10k_Test_000001", "GOT-10k_Test_000002")
    ]


def contents(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_got10k_has_boxes_and_times_in_a_folder_a_sequence(results, tmp_path):
    write_submission("got10k", results, tmp_path / "out" / "a.zip")
    found = contents(tmp_path / "out" / "a.zip")
    assert list(found) == [
        f"{name}/{name}_{kind}.txt"
        for name in ("GOT-10k_Test_000001", "GOT-10k_Test_000002")
        for kind in ("001", "time")
    ]
    boxes = "1.000,2.000,3.000,4.000\n1.235,2.000,30.500,1000.000\n"
    assert found["GOT-10k_Test_000001/GOT-10k_Test_000001_001.txt"] == boxes
    assert found["GOT-10k_Test_000001/GOT-10k_Test_000001_time.txt"] == "0.50000000\n0.01234568\n"


def test_trackingnet_has_one_file_a_sequence(results, tmp_path):
    write_submission("trackingnet", results, tmp_path / "a.zip")
    assert contents(tmp_path / "a.zip") == {
        f"{result.sequence}.txt": "1.00,2.00,3.00,4.00\n1.23,2.00,30.50,1000.00\n"
        for result in results
    }


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    for name in ("a.zip", "b.zip"):
        write_submission("got10k", results, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_sets_without_a_server(results, tmp_path):
    with pytest.raises(InputError, match="nothing can be submitted for otb"):
        write_submission("otb", results, tmp_path / "a.zip")
    assert not list(tmp_path.iterdir())


def test_where_a_tracker_was_not_run_there_are_zeros(results, tmp_path):
    boxes, seconds = results[0].boxes.copy(), results[0].seconds.copy()
    boxes[1], seconds[1] = np.nan, np.nan
    lost = replace(results[0], boxes=boxes, seconds=seconds, lost=np.array([False, True]))
    write_submission("got10k", [lost], tmp_path / "a.zip")
    found = [text.splitlines()[1] for text in contents(tmp_path / "a.zip").values()]
    assert found == ["0.000,0.000,0.000,0.000", "0.00000000"]
