"""`tracker-ros evaluate BAG`: what is run, from which box, and what is written."""

import csv
import json
import sys

import cv2
import numpy as np
import pytest
import yaml

from test.bags import PERIOD, START, detection, header, make
from tracker_ros.commands.judging import evaluate_bag
from tracker_ros.core.io.encodings import ENCODINGS

from .conftest import box, image, picture, png, read, truth

COUNT = 8


def files(folder):
    return {
        p.relative_to(folder): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not p.name.endswith(".seconds.npy")
    }


@pytest.mark.parametrize("storage", ("mcap", "sqlite3"))
def test_twice_the_same_bytes(bag, evaluate, model, storage):
    path = bag(storage=storage, **{"/png": [png(i) for i in range(COUNT)]})
    runs = [
        evaluate(path, "--model", model, "--peer", "kcf", "--debug-images", out=out, peer=False)
        for out in ("first", "second")
    ]
    assert [run.status for run in runs] == [0, 0]
    for tracker in ("tiny", "kcf"):
        first, second = (files(run.folder / tracker) for run in runs)
        assert len(first) == 2 * len((".npz", ".csv", ".json", ".foxglove.json", ".mcap", ".yaml"))
        assert first == second
        for topic in ("/camera/image", "/png"):
            assert len(runs[0].result(topic, tracker).seconds) == COUNT
    assert "tiny" in runs[0].out and "/png" in runs[0].out
    assert (runs[0].folder / "report.html").stat().st_size > 0


def raw_image(index, encoding):
    """The picture's shape in any encoding; colour in those that have it."""
    pixels = picture(index)
    kind, channels, *_, planes = ENCODINGS[encoding]
    if channels == 3:
        data = pixels if encoding != "rgb8" else pixels[..., ::-1]
    elif channels == 4:
        data = np.dstack([pixels, pixels[..., :1]])
    else:
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        data = grey.astype("<" + kind) if kind != "u1" else grey
        if channels == 2:  # luma beside colour, of which there is none
            data = np.dstack([grey, np.full_like(grey, 128)])
            data = data if encoding in ("yuyv", "yuv422_yuy2") else data[..., ::-1]
    data = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
    size = len(data) // (60 * 80)
    data = np.append(data, np.full(int((planes - 1) * 60 * 80), 128, np.uint8))
    return make("sensor_msgs/msg/Image", header=header(index), height=60, width=80,
                encoding=encoding, step=80 * size, data=data)  # fmt: skip


def test_every_encoding_is_a_result_of_its_own(write, evaluate):
    topics = {f"/{name.lower()}": [raw_image(i, name) for i in range(COUNT)] for name in ENCODINGS}
    run = evaluate(write(topics), "--images", "referenced", "--box", "5,20,20,20")
    assert run.status == 0
    expected = run.result("/bgr8")
    for topic in topics:
        result = run.result(topic)
        assert len(result) == COUNT
        if topic in ("/bgr8", "/rgb8", "/8uc3", "/bgra8", "/rgba8", "/8uc4"):
            np.testing.assert_array_equal(result.boxes, expected.boxes)


def test_where_the_box_and_the_truth_come_from(bag, write, evaluate, tmp_path):
    path = bag()
    expected = evaluate(path, out="topic")
    boxes = expected.result().boxes
    np.testing.assert_allclose(boxes[0], box(0))
    np.testing.assert_allclose(expected.result().truth, [box(i) for i in range(COUNT)])
    assert expected.about()["truth"] == "/truth"

    blind = write({"/camera/image": [image(i) for i in range(COUNT)]}, name="blind")
    run = evaluate(blind)
    assert run.status == 1
    assert "no box to start on; give --box or --truth" in run.err
    run = evaluate(blind, "--box", "5,20,20,20")
    np.testing.assert_array_equal(run.result(bag="blind").boxes, boxes)
    assert np.isnan(run.result(bag="blind").truth).all()
    assert not (run.folder / "report.html").exists()

    stamps = [START + i * PERIOD for i in range(COUNT)]
    for key, values in (
        ("stamp_ns", stamps),
        ("stamp", [f"{s // 10**9}.{s % 10**9:09}" for s in stamps]),
        ("frame", range(COUNT)),
    ):
        table = tmp_path / f"{key}.csv"
        rows = [",".join(map(str, (value, *box(i)))) for i, value in enumerate(values)]
        rows[3] = f"{values[3]},,,,"
        table.write_text("\n".join((f"{key}, x, y, w, h", *rows)))
        run = evaluate(blind, "--truth", table, out=key)
        assert run.status == 0, run.err
        result = run.result(bag="blind")
        np.testing.assert_array_equal(result.boxes, boxes)
        assert np.isnan(result.truth).any(1).tolist() == [i == 3 for i in range(COUNT)]
        assert result.scored.all()

    # What was written is itself a truth.
    run = evaluate(blind, "--truth", expected.path(".csv"), out="again")
    np.testing.assert_array_equal(run.result(bag="blind").truth, boxes)


def test_the_truth_begins_later_and_is_about_one_of_several(write, evaluate):
    other = detection((1.0, 1.0, 5.0, 5.0), 0, "9")
    arrays = [truth(i) for i in range(3, COUNT)]
    for array in arrays[2:]:
        array.detections.insert(0, other)
    path = write({"/camera/image": [image(i) for i in range(COUNT)], "/true/truth": arrays})
    run = evaluate(path)
    result = run.result()
    assert len(result) == COUNT - 3
    np.testing.assert_allclose(result.truth, [box(i) for i in range(3, COUNT)])
    assert run.about()["start"] == {
        "frame": 3, "stamp_ns": START + 3 * PERIOD, "box": list(box(3)),
    }  # fmt: skip
    with run.path(".csv").open() as file:
        states = [row["state"] for row in csv.DictReader(file)]
    assert states == ["NO_TARGET"] * 3 + ["TRACKING"] * (COUNT - 3)


def test_each_camera_has_a_box_and_a_truth_of_its_own(write, evaluate):
    def images():
        return [image(i) for i in range(COUNT)]

    moved = [truth(i, (6.0 + i, 20.0, 20.0, 20.0)) for i in range(COUNT)]
    path = write({"/left/image": images(), "/right/image": images(), "/top/image": images(),
                  "/left/truth": [truth(i) for i in range(COUNT)],
                  "/right/truth": moved})  # fmt: skip
    run = evaluate(path, "--box", "/top/image=7,20,20,20")
    assert run.status == 0, run.err
    assert run.result("/left/image").boxes[0, 0] == 5
    assert run.result("/right/image").boxes[0, 0] == 6
    assert run.result("/top/image").boxes[0, 0] == 7
    assert not run.result("/top/image").scored.any()
    assert run.err.count("the truth about /top/image may be on /left/truth or /right/truth") == 1
    run = evaluate(path, "--truth", "/top/image=/right/truth", "--topic", "/top/image", out="b")
    assert run.result("/top/image").boxes[0, 0] == 6


def test_a_corrected_table_is_not_written_over(bag, evaluate):
    path, table = bag(), None
    for _ in range(2):
        run = evaluate(path, *(["--truth", table] if table else []))
        table = run.path(".csv")
        table.write_text(table.read_text().replace("7.0,20.0,20.0,20.0", "9.0,20.0,20.0,20.0"))
    assert run.status == 1
    assert f"--out's kcf/bag-camera-image.csv would write over {table}, which is read" in run.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--box", "/eye=5,20,20,20"], "--box is about /eye, but the image topics here are: /cam"),
        (["--truth", "/eye=/truth"], "--truth is about /eye, but the image topics here are: /cam"),
        (["--box", "5,20,20,20", "--box", "6,20,20,20"], "--box is given more than once; "),
        (
            ["--truth", "/camera/image=/truth", "--truth", "/camera/image=a.csv"],
            "--truth is given more than once for /camera/image",
        ),
        (
            ["--box", "5,20,20,20", "--box", "/camera/image=6,20,20,20"],
            "--box without TOPIC= has no effect: each topic here has its own",
        ),
        (["--topic=/camera/image"] * 2, "--topic /camera/image is given more than once"),
        (["--live", "--tracking", "lost_score=0"], "--tracking is for the replay, but --live"),
    ],
)
def test_options_that_would_be_passed_over_are_told(bag, evaluate, arguments, sentence):
    run = evaluate(bag(), *arguments, peer="--live" not in arguments)
    assert run.status == 1
    assert sentence in run.err and run.err.count("\n") == 1
    assert not run.folder.exists()


def test_a_papers_tracker_is_never_lost(bag, evaluate, model):
    run = evaluate(bag(), "--model", model, "--paper", peer=False)
    assert run.status == 0, run.err
    about = json.loads((run.folder / "evaluation.json").read_text())
    assert about["dataset"] == "bag"
    assert about["trackers"]["tiny"]["settings"]["tracking"]["lost_score"] == 0
    assert not run.result(tracker="tiny").lost.any()


def test_the_written_bag_has_what_the_node_would_publish(bag, evaluate, model):
    path = bag()
    run = evaluate(path, "--model", model, "--debug-images", peer=False)
    before, _ = read(path)
    after, messages = read(run.path("", tracker="tiny"))
    assert after["/camera/image"] == before["/camera/image"]
    assert {topic: len(found) for topic, found in after.items()} == dict.fromkeys(
        ("/camera/image", "/tracker_node/detections", "/tracker_node/status", "/player_node/"
         "ground_truth", "/tracker_node/markers", "/tracker_node/debug_image"), COUNT)  # fmt: skip
    for found in messages.values():
        assert [m.header for m in found] == [header(i) for i in range(COUNT)]
    start = messages["/tracker_node/detections"][0].detections[0]
    assert (start.id, start.bbox.center.position.x, start.bbox.size_x) == ("1", 15.0, 20.0)
    result = run.result(tracker="tiny")
    for row, (array, status) in enumerate(
        zip(messages["/tracker_node/detections"], messages["/tracker_node/status"], strict=True)
    ):
        assert len(array.detections) == (not result.lost[row])
        check, of_target = status.status
        assert (check.name, check.hardware_id) == ("tracker_node: frame", "camera")
        assert of_target.name == "tracker_node: target 1"
        values = {item.key: item.value for item in check.values}
        assert values["score"] == f"{result.scores[row]:.4f}"
        assert values["target_id"] == "1"
        assert values["latency_ms"] == "unknown"
    layout = run.path(".foxglove.json", tracker="tiny").read_text()
    assert json.loads(layout)
    for topic in ("/camera/image", "/tracker_node/status", "/tracker_node/markers"):
        assert f'"{topic}' in layout
    assert '"/image"' not in layout


def test_images_may_be_left_where_they_are(bag, evaluate):
    path = bag()
    run = evaluate(path, "--images", "referenced")
    written = run.path("")
    _, messages = read(written)
    assert "/camera/image" not in messages
    metadata = yaml.safe_load((written / "metadata.yaml").read_text())
    custom = metadata["rosbag2_bagfile_information"]["custom_data"]
    assert (written / custom["images"]).resolve() == path.resolve()


def test_no_ros_is_needed(bag, evaluate, model, monkeypatch):
    for name in ("rclpy", "vision_msgs", "diagnostic_msgs", "sensor_msgs", "std_msgs"):
        for module in (name, f"{name}.msg"):
            monkeypatch.setitem(sys.modules, module, None)
    run = evaluate(bag(), "--model", model, "--debug-images", peer=False)
    assert run.status == 0, run.err


def test_executable_of_ros(bag, tmp_path, capsys):
    arguments = ["--peers-only", "--peer", "kcf", "--out", str(tmp_path / "out")]
    assert evaluate_bag.main([str(bag()), *arguments]) == 0
    assert "kcf" in capsys.readouterr().out
    assert evaluate_bag.main([str(tmp_path / "none.mcap"), *arguments]) == 1
    assert capsys.readouterr().err == (
        f"tracker-ros: error: {tmp_path / 'none.mcap'} does not exist\n"
    )
