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
