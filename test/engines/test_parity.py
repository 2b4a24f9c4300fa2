"""What torch computes and what the exported graphs compute is the same."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.gate import BRANCHES
from tracker_ros.core.io.paths import share_dir
from tracker_ros.engines.models.files import ModelFiles, steps_of

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")


def run(tracker, clip):
    frames, box = clip
    tracker.init(frames[0], box)
    return [tracker.update(frame) for frame in frames[1:]]


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(np.subtract(a.box, b.box)).max() < 1e-3
        assert a.score == pytest.approx(b.score, abs=1e-5) and a.state is b.state
        assert a.gate.branch == b.gate.branch
        assert a.gate.weights == pytest.approx(b.gate.weights, abs=1e-5)


def node_types(graph):
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from node_types(attribute.g)


def test_both_engines_agree_over_a_whole_clip(files, clip):
    trackers = [load_tracker(files.weights, engine=engine) for engine in ("torch", "onnx")]
    assert [tracker.engine.provider for tracker in trackers] == [
        "torch cpu",
        "onnxruntime CPUExecutionProvider",
    ]
    assert trackers[0].engine.facts == trackers[1].engine.facts
    results = [run(tracker, clip) for tracker in trackers]
    assert_same(*results)
    boxes = np.array([result.box for result in results[0]])
    assert (np.abs(np.diff(boxes[:, :2], axis=0)).max(0) > 1).all()  # not the same box throughout
    assert [tracker.memory_size for tracker in trackers] == [4, 4]  # frames 0, 8, 16 and 23


@pytest.mark.parametrize("branch", BRANCHES)
def test_both_engines_agree_on_every_branch(files, clip, branch):
    favour_in_both(files, branch)
    results = [
        run(load_tracker(files.weights, engine=engine), (clip[0][:6], clip[1]))
        for engine in ("torch", "onnx")
    ]
    assert_same(*results)
    assert {result.gate.branch for result in results[0]} == {branch}


def favour_in_both(files: ModelFiles, branch: str) -> None:
    """Push the gate towards one branch in the weights and in the graph."""
    from tracker_ros.engines.models.facts import WEIGHTS_KEY, fingerprint
    from tracker_ros.engines.models.store import load_network, save_network

    network, facts = load_network(files.weights)
    with torch.no_grad():
        network.attention.gate.decide.bias[BRANCHES.index(branch)] += 20
    bias = network.attention.gate.decide.bias.detach().numpy()
    tracking = load_tracker(files.weights, engine="torch").config
    save_network(files.weights, network, "dastm", tracking, facts["training"])
    for step in steps_of("dastm"):  # as if they were made of these weights
        graph = onnx.load(files.graph(step))
        told = {one.key: one.value for one in graph.metadata_props if one.key != "seal"}
        onnx.helper.set_model_props(graph, told | {WEIGHTS_KEY: fingerprint(files.weights)})
        onnx.save(graph, files.graph(step))
    graph = onnx.load(files.graph("remember"))
    (entry,) = (
        value for value in graph.graph.initializer if value.name.endswith("gate.decide.bias")
    )
    entry.CopyFrom(onnx.numpy_helper.from_array(bias, entry.name))
    onnx.save(graph, files.graph("remember"))


def test_the_chosen_branch_alone_is_in_the_graphs_path(exported):
    remember = onnx.load(exported.graph("remember")).graph
    assert list(node_types(remember)).count("If") == 3  # four ways
    # Outside of the Ifs there is no sigmoid: all three attention modules lie inside.
    assert "Sigmoid" not in {node.op_type for node in remember.node}
    assert "If" not in node_types(onnx.load(exported.graph("locate")).graph)


def test_graphs_hold_the_fused_network(exported):
    for step in steps_of("dastm"):
        assert "BatchNormalization" not in node_types(onnx.load(exported.graph(step)).graph)


def test_memory_is_the_only_input_of_free_length(exported):
    graphs = {step: onnx.load(exported.graph(step)).graph for step in steps_of("dastm")}
    free = [
        (value.name, axis)
        for graph in graphs.values()
        for value in graph.input
        for axis, dim in enumerate(value.type.tensor_type.shape.dim)
        if not dim.HasField("dim_value")
    ]
    assert free == [("memory", 1)]


def test_exported_and_shipped_files_name_no_path_of_the_machine_that_made_them(exported):
    here = str(Path(__file__).parents[2]).encode()
    for path in [*exported.folder.iterdir(), *(share_dir() / "models").glob("*.[os]*")]:
        content = path.read_bytes()
        for trace in (b'.py", line', b"site-packages", b"/home/", b"/tmp/", b"/root/", here):
            assert trace not in content, path.name


def test_export_of_damaged_weights_is_an_error_and_leaves_the_graphs(files):
    from tracker_ros.core.errors import ModelError
    from tracker_ros.engines.models.export import export_model

    before = files.graph("locate").read_bytes()
    files.weights.write_bytes(files.weights.read_bytes()[:-10])
    with pytest.raises(ModelError, match=r"tiny\.safetensors"):
        export_model(files.weights, files.folder)
    assert files.graph("locate").read_bytes() == before


CODE = """
import sys
import numpy as np
from tracker_ros import load_tracker
tracker = load_tracker(sys.argv[1], engine=sys.argv[2])
image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
tracker.init(image, (40, 50, 24, 24))
assert tracker.update(image).box is not None
print(tracker.engine.provider, {"torch", "onnx", "rclpy"} & set(sys.modules))
"""


@pytest.mark.parametrize("engine", ["onnx", "auto"])
def test_the_onnx_path_imports_no_torch(files, engine):
    if engine == "auto":
        files.weights.unlink()
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(files.graph("locate")), engine],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("onnxruntime CPUExecutionProvider set()\n", "")
