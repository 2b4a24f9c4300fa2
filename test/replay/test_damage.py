"""Bags as they should not be: what can be read is evaluated, the rest is named and counted."""

import math
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tracker_ros.evaluation.results import SequenceResult

from .conftest import box, image, png, truth

COUNT = 8


def put(messages, *places):
    return [messages[place] for place in places]


def test_images_recorded_in_disorder_are_put_in_order(bag, evaluate):
    expected = evaluate(bag(), out="expected").result()
    images = [image(i) for i in range(COUNT)]
    path = bag(name="mixed", **{"/camera/image": put(images, 0, 3, 1, 2, 4, 5, 7, 6)})
    run = evaluate(path)
    assert run.status == 0
    np.testing.assert_array_equal(run.result(bag="mixed").boxes, expected.boxes)
    assert run.err.count("images recorded after later ones: 3; they are put in order") == 1
    assert "images recorded after later ones: 3" in run.about(bag="mixed")["problems"][0]


def test_a_recording_that_starts_again_is_two_passes(bag, evaluate):
    images = [image(i) for i in range(40)]
    path = bag(40, **{"/camera/image": images + images[:6]})
    run = evaluate(path)
    assert run.status == 0
    np.testing.assert_allclose(
        run.result().truth[:, 0], [box(i)[0] for i in (*range(40), *range(6))]
    )
    assert run.err.count("jumps of the stamps far back: 1;") == 1


def test_repeated_stamps_and_gaps_are_counted(bag, evaluate):
    images = [image(i) for i in (0, 1, 1, 1, 2, 3, 20, 21, 60, 61)]
    run = evaluate(bag(62, **{"/camera/image": images}))
    assert run.status == 0
    assert len(run.result()) == len(images)
    assert run.err.count("images with the stamp of the one before: 2") == 1
    assert run.err.count("gaps in time: 2, the longest of 1.56 s") == 1
    assert run.err.count("54 of 62 boxes of /truth are of no image") == 1


def unreadable(index, name="image"):
    if name == "image":
        message = image(index)
        message.encoding = "nv42"
    else:
        message = png(index)
        message.data = message.data[:40]
    return message


@pytest.mark.parametrize(("make", "reason"), ((image, "nv42"), (png, "not a picture")))
def test_unreadable_images_are_counted(bag, evaluate, make, reason):
    images = [unreadable(i, make.__name__) if i in (0, 4) else make(i) for i in range(COUNT)]
    run = evaluate(bag(**{"/camera/image": images}))
    assert run.status == 0
    assert len(run.result()) == COUNT - 2
    assert run.about()["unreadable"] == 2
    assert run.about()["start"]["frame"] == 1
    assert run.err.count("2 of 8 images on /camera/image cannot be read") == 1
    assert reason in run.err


def test_only_unreadable_images(bag, evaluate):
    run = evaluate(bag(**{"/camera/image": [unreadable(i) for i in range(COUNT)]}))
    assert run.status == 1
    assert run.err.startswith("tracker-ros: ")
    assert "none of the 8 images on /camera/image" in run.err
    assert list((run.folder / "kcf").iterdir()) == []


def test_a_topic_that_fails_does_not_stop_the_others(bag, evaluate):
    path = bag(**{"/broken": [unreadable(i) for i in range(COUNT)]})
    run = evaluate(path, "--topic", "/broken", "--topic", "/nowhere", "--topic", "/camera/image")
    assert run.status == 0
    assert len(run.result()) == COUNT
    assert run.err.count("no image topic '/nowhere'; it has: /broken, /camera/image") == 1
    assert run.err.count("none of the 8 images on /broken") == 1
    assert evaluate(path, "--topic", "/nowhere").status == 1
    run = evaluate(path, "--truth", "/nowhere")
    assert run.status == 1
    assert "/nowhere is neither a topic of" in run.err


def test_damaged_truth_is_counted(write, evaluate):
    arrays = [truth(i) for i in range(COUNT)]
    arrays[2].detections[0].bbox.size_x = 0.0
    arrays[3].detections[0].bbox.center.position.x = math.inf
    path = write({"/camera/image": [image(i) for i in range(COUNT)], "/truth": arrays})
    run = evaluate(path)
    assert np.isnan(run.result().truth).any(1).tolist() == [i in (2, 3) for i in range(COUNT)]


@pytest.mark.parametrize("storage", ("mcap", "sqlite3"))
def test_a_truncated_bag_is_evaluated_as_far_as_it_goes(write, evaluate, storage):
    path = write({"/camera/image": [image(i, (300, 400)) for i in range(COUNT)]}, storage)
    whole = evaluate(path, "--box", "5,20,20,20", out="whole").result()
    file = next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])
    run = evaluate(path, "--box", "5,20,20,20")
    assert run.status == 0, run.err
    assert 1 < len(run.result()) < COUNT
    np.testing.assert_array_equal(run.result().boxes, whole.boxes[: len(run.result())])
    assert run.err.count("is damaged") == run.err.count("breaks off after") == 1
    file.write_bytes(data[:20])
    run = evaluate(path, "--box", "5,20,20,20", out="nothing")
    assert run.status == 1
    assert "is not a readable bag" in run.err


def test_another_image_size_is_answered_as_the_node_does(bag, evaluate, model):
    images = [image(i, (60, 80) if i < 4 else (70, 90)) for i in range(COUNT)]
    run = evaluate(bag(**{"/camera/image": images}), "--model", model, "--peer", "kcf", peer=False)
    assert run.status == 0
    for tracker in ("tiny", "kcf"):
        assert run.result(tracker=tracker).lost.tolist()[4:] == [True] * 4
        table = run.path(".csv", tracker=tracker).read_text()
        assert (table.count("ERROR"), table.count("NO_TARGET")) == (3, 1)
        assert f"{tracker} on /camera/image: image is 90x70 pixels, but was 80x60" in run.err
    assert run.err.count("(3 times)") == 2


def test_a_box_outside_the_image(bag, evaluate):
    run = evaluate(bag(), "--box", "500,20,20,20")
    assert run.status == 1
    assert run.err.count("tracker-ros: error: ") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    (
        ("", "must have a line of column names, among them x, y, w, h and one of stamp_ns"),
        ("frame,x,y,w\n0,1,2,3\n", "must have a line of column names"),
        ("frame,x,y,w,h\n0,1,2,3,4\n1,a,2,3,4\n", "line 3 has 'a' instead of a number"),
        ("frame,x,y,w,h\n0,1,2,3\n", "line 2 has None instead of a number"),
        ("frame,x,y,w,h\n0,1,2,-3,4\n", "line 2 has a negative width or height"),
        ("stamp,x,y,w,h\nnan,1,2,3,4\n", "line 2 has 'nan' instead of a number"),
    ),
)
def test_a_bad_table_is_named(bag, evaluate, tmp_path, text, sentence):
    table = tmp_path / "truth.csv"
    table.write_text(text)
    run = evaluate(bag(1), "--truth", table)
    assert run.status == 1
    assert f"{table} {sentence}" in run.err


def test_a_full_disk_is_named_and_leaves_nothing_half(bag, evaluate, tmp_path):
    path = bag(30)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:  # as a full disk, but for this process alone
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limit[1]))
        run = evaluate(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert run.status == 1
    assert f"error: {tmp_path / 'out' / 'kcf'}" in run.err and "File too large" in run.err
    assert not list((tmp_path / "out" / "kcf").iterdir())


def test_ctrl_c_keeps_what_is_done(write, tmp_path):
    images = [image(i, (120, 160)) for i in range(200)]
    path = write({"/a": images[:9], "/b": images, "/truth": [truth(0)]})
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker_ros", "evaluate", path, "--out", out,
         "--peers-only", "--peer", "csrt"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while not list((out / "csrt").glob(".part-*/bag-b")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert errors.endswith("tracker-ros: interrupted\n")
    assert "Traceback" not in errors
    assert {p.name for p in (out / "csrt").iterdir()} == {
        "bag-a", *(f"bag-a.{end}" for end in ("csv", "json", "npz", "seconds.npy", "foxglove.json"))
    }  # fmt: skip
    assert len(SequenceResult.load(out / "csrt" / "bag-a.npz")) == 9
