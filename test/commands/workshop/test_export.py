import pytest

from tracker_ros.commands import main


@pytest.mark.parametrize("name", [".safetensors", "tiny.st"])
def test_graphs_are_named_after_weights_that_have_a_name(model, tmp_path, capsys, name):
    weights = tmp_path / name
    weights.write_bytes(model.read_bytes())
    assert main(["export", str(weights)]) == 1
    said = f"tracker-ros: error: model file {weights} is not named NAME.safetensors\n"
    assert capsys.readouterr().err == said and list(tmp_path.iterdir()) == [weights]


def test_8_bits_for_a_model_without_trunk_are_refused_before_anything_is_written(
    model, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["export", str(model), "--output", str(out), "--int8", str(tmp_path)]) == 1
    said = f"tracker-ros: error: {model} has no shared trunk that could be in 8 bits\n"
    assert capsys.readouterr().err == said and not out.exists()


def test_on_a_full_disk_every_graph_is_as_before(model, tmp_path, capsys):
    graphs = {step: tmp_path / f"{model.stem}.{step}.onnx" for step in ("locate", "remember")}
    graphs["locate"].write_bytes(b"earlier")
    full = tmp_path / f"{graphs['remember'].name}.part"
    full.symlink_to("/dev/full")
    assert main(["export", str(model), "--output", str(tmp_path)]) == 1
    told = f"tracker-ros: error: {graphs['remember']}: No space left on device\n"
    assert capsys.readouterr().err == told
    assert [*tmp_path.iterdir()] == [graphs["locate"]]
    assert graphs["locate"].read_bytes() == b"earlier"
