"""OpenCV's network trackers for real, on tiny ONNX files that look for the brightest spot."""

import json
import threading

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tracker_ros.commands import main
from tracker_ros.core.errors import InputError
from tracker_ros.evaluation.metrics import iou
from tracker_ros.evaluation.one_pass import run_sequence
from tracker_ros.evaluation.peers import Peer, parse_peers
from tracker_ros.evaluation.protocols import summary
from tracker_ros.sources.sequences import find_sequences

# One channel alone: OpenCV divides TrackerVit's picture by a Scalar, which turns the others' signs.
BRIGHTNESS = np.reshape([1, 0, 0], (1, 3, 1, 1))


def tensor(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def constant(name, value):
    return onnx.numpy_helper.from_array(np.asarray(value, np.float32), name)


def write(path, nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture
def vit(tmp_path):
    """The brightest of 16x16 cells, as likely as it is bright; a target of a quarter's size."""
    node = helper.make_node
    nodes = [
        node("Conv", ["search", "brightness"], ["gray"]),
        node(
            "AveragePool",
            ["gray"],
            ["cells"],
            kernel_shape=[64, 64],
            strides=[16, 16],
            pads=[24] * 4,
        ),
        node("ReduceMean", ["template"], ["mean"], axes=[1, 2, 3]),
        node("Mul", ["mean", "none"], ["unused"]),
        node("Add", ["cells", "unused"], ["logits"]),
        node("Mul", ["logits", "ten"], ["sharp"]),
        node("Sigmoid", ["sharp"], ["output1"]),
        node("Mul", ["logits", "nothing"], ["empty"]),
        node("Add", ["empty", "size"], ["output2"]),
        node("Add", ["empty", "centre"], ["output3"]),
    ]
    constants = [
        constant("brightness", BRIGHTNESS),
        constant("none", [[[[0]]]]),
        constant("ten", [[[[10]]]]),
        constant("nothing", np.zeros((1, 2, 1, 1))),
        constant("size", np.full((1, 2, 16, 16), 0.25)),
        constant("centre", np.full((1, 2, 16, 16), 0.5)),
    ]
    inputs = [tensor("template", 1, 3, 128, 128), tensor("search", 1, 3, 256, 256)]
    outputs = [tensor("output1", 1, 1, 16, 16)]
    outputs += [tensor(f"output{i}", 1, 2, 16, 16) for i in (2, 3)]
    return write(tmp_path / "vit.onnx", nodes, inputs, outputs, constants)


@pytest.fixture
def nano(tmp_path):
    """The same in two files: features are brightness, and the head scores by them."""
    node = helper.make_node
    backbone = [
        node("Conv", ["input", "brightness"], ["gray"]),
        node("AveragePool", ["gray"], ["output"], kernel_shape=[64, 64], strides=[16, 16],
             pads=[33, 33, 16, 16]),
    ]  # fmt: skip
    head = [
        node("ReduceMean", ["input1"], ["mean"], axes=[1, 2, 3]),
        node("Mul", ["mean", "none"], ["unused"]),
        node("Add", ["input2", "unused"], ["bright"]),
        node("Sub", ["bright", "threshold"], ["brighter"]),
        node("Mul", ["brighter", "signs"], ["output1"]),
        node("Mul", ["bright", "nothing"], ["empty"]),
        node("Add", ["empty", "sides"], ["output2"]),
    ]
    constants = [
        constant("none", [[[[0]]]]),
        constant("threshold", [[[[170]]]]),
        constant("signs", np.reshape([-0.05, 0.05], (1, 2, 1, 1))),
        constant("nothing", np.zeros((1, 4, 1, 1))),
        constant("sides", np.full((1, 4, 16, 16), 32)),  # half of a square in its 127-pixel crop
    ]
    return (
        write(tmp_path / "backbone.onnx", backbone, [tensor("input", 1, 3, "h", "w")],
              [tensor("output", 1, 1, "a", "b")], [constant("brightness", BRIGHTNESS)]),
        write(tmp_path / "head.onnx", head,
              [tensor("input1", 1, 1, 8, 8), tensor("input2", 1, 1, 16, 16)],
              [tensor("output1", 1, 2, 16, 16), tensor("output2", 1, 4, 16, 16)], constants),
    )  # fmt: skip


def square(i):
    """A dark picture with a bright square, and the square's box."""
    image = np.full((240, 320, 3), 20, np.uint8)
    image[80:112, 60 + 6 * i : 92 + 6 * i] = 230
    return image, (60.0 + 6 * i, 80.0, 32.0, 32.0)


def follow_a_square(peer):
    """Overlaps of `peer` with the square as it crosses the picture."""
    overlaps = []
    for i in range(12):
        image, truth = square(i)
        if i == 0:
            peer.init(image, truth)
            assert peer.last_box == truth
        else:
            result = peer.update(image)
            assert result.box == peer.last_box
            assert 0 < result.score <= 1
            overlaps.append(iou([result.box], [truth])[0])
    return overlaps


def test_vit_runs_the_users_model(vit):
    peer = Peer(f"vit:{vit}")
    assert (peer.name, peer.files) == ("vit", (vit,))
    overlaps = follow_a_square(peer)
    assert min(overlaps) > 0.4
    assert follow_a_square(peer) == overlaps  # it starts afresh


def test_nano_runs_the_users_models(nano):
    peer = Peer(f"nano:{nano[0]},{nano[1]}")
    assert (peer.name, peer.files) == ("nano", nano)
    overlaps = follow_a_square(peer)
    assert min(overlaps) > 0.4
    assert follow_a_square(peer) == overlaps


def test_failure_keeps_the_last_box(vit):
    peer = Peer(f"vit:{vit}")
    bright, dark = np.full((240, 320, 3), 230, np.uint8), np.zeros((240, 320, 3), np.uint8)
    peer.init(bright, (100.0, 100.0, 32.0, 32.0))
    result = peer.update(dark)
    assert result.box is None and result.score < 0.2  # OpenCV's own threshold
    assert peer.last_box == (100, 100, 32, 32)


def test_an_error_inside_opencv_is_a_failure_of_the_frame(vit):
    peer = Peer(f"vit:{vit}")
    peer.init(np.zeros((240, 320, 3), np.uint8), (280.0, 200.0, 32.0, 32.0))
    result = peer.update(np.zeros((48, 64, 3), np.uint8))  # the window lies outside
    assert (result.box, result.score) == (None, 0)
    assert peer.last_box == (280, 200, 32, 32)


def test_what_a_peer_is_given(vit, nano, tmp_path):
    corrupt = tmp_path / "corrupt.onnx"
    corrupt.write_bytes(b"no model at all")
    for text, message in (
        ("vit:", r"peer 'vit' is given as vit:MODEL"),
        ("vit", r"peer 'vit' is given as vit:MODEL"),
        (f"vit:{vit},{vit}", r"is given as vit:MODEL"),
        (f"nano:{nano[0]}", r"is given as nano:BACKBONE,HEAD"),
        (f"vit:{tmp_path / 'none.onnx'}", r"peer 'vit': there is no file .*none\.onnx"),
        (f"nano:{nano[0]},{tmp_path}", r"peer 'nano': there is no file"),
        (f"vit:{corrupt}", r"OpenCV's TrackerVit cannot run .*corrupt\.onnx: "),
        (f"vit:{nano[0]}", r"OpenCV's TrackerVit cannot run .*backbone\.onnx: "),
        (f"nano:{nano[1]},{nano[0]}", r"TrackerNano cannot run .*head\.onnx and .*backbone"),
        (f"csrt:{vit}", r"no peer 'csrt:.*'; choose from csrt, .*nano:BACKBONE,HEAD, vit:MODEL"),
    ):
        with pytest.raises(InputError, match=message):
            Peer(text)


@pytest.mark.parametrize(
    "text, peers",
    (
        ("csrt", ["csrt"]),
        ("KCF, mosse,", ["KCF", "mosse"]),
        ("nano:b.onnx,h.onnx", ["nano:b.onnx,h.onnx"]),
        ("csrt,Nano:b,h,vit:m,kcf", ["csrt", "Nano:b,h", "vit:m", "kcf"]),
        ("nano:b", ["nano:b"]),
        ("", []),
    ),
)
def test_the_comma_inside_nanos_value(text, peers):
    assert parse_peers(text) == peers


@pytest.fixture
def sequence(tmp_path):
    """The square's path as an OTB folder."""
    folder = tmp_path / "square"
    (folder / "img").mkdir(parents=True)
    for i in range(12):
        cv2.imwrite(str(folder / "img" / f"{i:04}.png"), square(i)[0])
    boxes = (",".join(map(str, square(i)[1])) for i in range(12))
    (folder / "groundtruth_rect.txt").write_text("\n".join(boxes))
    return folder


def test_peers_of_all_kinds_in_one_evaluation(sequence, vit, nano, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["evaluate", str(sequence), "--peers-only", "--out", str(out)]
    peers = ["--peer", f"mosse,nano:{nano[0]},{nano[1]}", "--peer", f"vit:{vit}"]
    assert main(arguments + peers) == 0
    assert "mosse" in capsys.readouterr().out
    trackers = json.loads((out / "results.json").read_text())["trackers"]
    assert list(trackers) == ["mosse", "nano", "vit"]
    for about in trackers.values():
        assert about["per_sequence"]["square"]["frames"] == 12
        assert about["fps"] > 0 and about["ms"]["p50"] > 0
    # A square without texture is too little for MOSSE.
    assert min(trackers["nano"]["auc"], trackers["vit"]["auc"]) > 0.4 > trackers["mosse"]["auc"]
    assert list(trackers["nano"]["settings"]["files"]) == ["backbone.onnx", "head.onnx"]


def test_error_of_the_command(sequence, tmp_path, capsys):
    peer = f"vit:{tmp_path / 'none.onnx'}"
    assert main(["evaluate", str(sequence), "--peers-only", "--peer", peer]) == 1
    said = capsys.readouterr().err
    assert said == f"tracker-ros: error: peer 'vit': there is no file {tmp_path / 'none.onnx'}\n"


@pytest.mark.parametrize(
    "name, box",
    (
        ("csrt", (50, 50, 1, 40)),
        ("mosse", (50, 50, 40, 1)),
        ("mil", (50, 50, 2, 2)),
        ("mosse", (5000, 50, 40, 40)),
    ),
)
def test_a_peer_that_does_not_start_loses_its_sequence(sequence, name, box, tmp_path, caplog):
    folder = sequence
    truth = folder / "groundtruth_rect.txt"
    sound = truth.read_text()
    truth.write_text("\n".join([",".join(map(str, box))] * 12))
    (thin,) = find_sequences(folder)
    result = run_sequence(Peer(name), thin)
    assert f"{thin.name} is lost by a peer: {name} " in caplog.text
    assert np.isnan(result.boxes[1:]).all() and result.lost[1:].all()
    assert np.isfinite(result.boxes[0]).all()
    row = summary("otb", [result])["per_sequence"][thin.name]
    assert row["auc"] < 0.3 and row["fps"] is None
    truth.write_text(sound)
    (whole,) = find_sequences(folder)
    assert np.isfinite(run_sequence(Peer(name), whole).boxes).all()  # and nothing else


def test_a_peer_that_never_answers_is_given_up(sequence, monkeypatch, caplog):
    from tracker_ros.evaluation import peers

    asleep, awake = threading.Event(), threading.Event()

    class Hanging:
        def init(self, image, box):
            monkeypatch.setattr(peers, "PATIENCE", 0.2)  # for what is asked from now on
            return True

        def update(self, image):
            asleep.set()
            awake.wait()  # as OpenCV does, without end

    monkeypatch.setattr(Peer, "_create", lambda self: Hanging())
    peer = Peer("mil")
    (found,) = find_sequences(sequence)
    result = run_sequence(peer, found)
    assert asleep.wait(60) and np.isnan(result.boxes[1:]).all()
    assert "mil gave no answer in 0.2 s" in caplog.text
    monkeypatch.undo()
    assert np.isfinite(run_sequence(peer, found).boxes).all()
    awake.set()
