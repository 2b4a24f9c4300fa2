"""Whose boxes count as truth, and for which frames."""

import numpy as np
import pytest

from test.bags import PERIOD, START, detection
from tracker_ros.commands import main
from tracker_ros.core.errors import SourceError
from tracker_ros.replay.truth import read_csv

from .conftest import box, image, truth

COUNT = 8


def detections(index, *ids):
    return truth(index, None, *(detection(box(index), index, name) for name in ids))


def test_boxes_of_a_detector_or_tracker_are_no_truth(write, evaluate, capsys):
    images = [image(i) for i in range(COUNT)]
    path = write({"/camera/image": images, "/detector": [truth(i) for i in range(COUNT)]})
    run = evaluate(path)
    assert run.status == 1 and "no box to start on; give --box or --truth" in run.err
    run = evaluate(path, "--box", "5,20,20,20", out="blind")
    assert np.isnan(run.result().truth).all()
    assert "no truth about /camera/image: nothing was scored" in run.out
    run = evaluate(path, "--truth", "/detector", out="named")
    assert run.about()["truth"] == "/detector"
    assert "truth about /camera/image: from /detector" in run.out


def test_what_evaluate_wrote_does_not_score_against_itself(write, evaluate, model, capsys):
    path = write({"/camera/image": [image(i) for i in range(COUNT)]})
    written = evaluate(path, "--box", "5,20,20,20", "--model", model, peer=False)
    bag = next(p for p in (written.folder / "tiny").iterdir() if p.is_dir())
    assert main(["track", str(bag), "--box", "5,20,20,20", "--model", str(model)]) == 0
    printed = capsys.readouterr().out
    assert "AUC" not in printed and "truth" not in printed


@pytest.mark.parametrize("ids", (("",), ("7",)))
def test_several_boxes_of_one_id_or_none_are_no_truth(write, evaluate, ids):
    arrays = [detections(i, *ids) for i in range(COUNT)]
    if ids == ("",):
        for array in arrays:
            array.detections[0].id = ""
    images = [image(i) for i in range(COUNT)]
    path = write({"/camera/image": images, "/found": arrays})
    run = evaluate(path, "--truth", "/found", "--box", "5,20,20,20")
    assert run.status == 1
    assert "has 2 boxes" in run.err and "no truth about one target" in run.err


def table(path, stamps, rows=None):
    lines = [f"{stamp},{','.join(map(str, box(i)))}" for i, stamp in enumerate(stamps)]
    path.write_text("\n".join(("stamp,x,y,w,h", *(rows or lines))))
    return path


@pytest.mark.parametrize("form", ("{!r}", "{:.3f}", "{:.2f}"))
@pytest.mark.parametrize("shift", (0, 0.009, -0.009))
def test_float_seconds_find_their_frames(write, evaluate, tmp_path, form, shift):
    path = write({"/camera/image": [image(i) for i in range(COUNT)]})
    stamps = [form.format((START + i * PERIOD) / 1e9 + shift) for i in range(COUNT)]
    run = evaluate(path, "--truth", table(tmp_path / "truth.csv", stamps))
    assert run.status == 0, run.err
    np.testing.assert_allclose(run.result().truth, [box(i) for i in range(COUNT)])


def test_other_clocks_score_nothing_and_say_so(write, evaluate, tmp_path):
    path = write({"/camera/image": [image(i) for i in range(COUNT)]})
    stamps = [5.0 + i / 25 for i in range(COUNT)]
    given = table(tmp_path / "truth.csv", stamps)
    run = evaluate(path, "--truth", given, "--box", "5,20,20,20")
    assert run.status == 0
    assert f"{COUNT} of {COUNT} boxes of {given} are of no image" in run.err
    assert "nothing was scored" in run.out and " - " in run.out


def test_a_score_over_few_frames_is_flagged_in_the_table(write, evaluate, tmp_path):
    images = [image(i) for i in range(COUNT)]
    path = write({"/camera/image": images, "/truth": [truth(i) for i in range(3)]})
    run = evaluate(path)
    assert f"(of 3 of {COUNT} frames)" in run.out
    path = write({"/camera/image": images, "/truth": [truth(0)]}, name="start")
    run = evaluate(path, out="start")
    assert "1.000" not in run.out and "0.95" not in run.out


@pytest.mark.parametrize("absent", ("0,0,0,0", "5,20,0,20", "nan,nan,nan,nan", ",,,"))
def test_rows_without_target_do_not_count(write, evaluate, tmp_path, absent):
    path = write({"/camera/image": [image(i) for i in range(COUNT)]})
    stamps = [(START + i * PERIOD) / 1e9 for i in range(COUNT)]
    rows = [f"{s},{absent if i == 3 else ','.join(map(str, box(i)))}" for i, s in enumerate(stamps)]
    run = evaluate(path, "--truth", table(tmp_path / "truth.csv", stamps, rows))
    assert np.isnan(run.result().truth).any(1).tolist() == [i == 3 for i in range(COUNT)]


@pytest.mark.parametrize(
    "header, row, sentence",
    (
        ("stamp", "1e999999999,1,2,3,4", "which is too much"),
        ("frame", "0.5,1,2,3,4", "which is no whole number"),
        ("stamp_ns", "1.7e-3,1,2,3,4", "which is no whole number"),
        ("frame", "1,1e400,2,3,4", "a number that is too large"),
        ("frame", "0,9,9,9,9", "line 3 has another box for the frame 0"),
    ),
)
def test_numbers_that_mean_nothing_are_named(tmp_path, header, row, sentence):
    path = tmp_path / "truth.csv"
    path.write_text(f"{header},x,y,w,h\n0,1,2,3,4\n{row}\n")
    with pytest.raises(SourceError, match=sentence):
        read_csv(path)
