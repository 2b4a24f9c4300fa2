from tracker_ros.commands import main


def test_8_bits_for_a_model_without_trunk_are_refused_before_anything_is_written(
    model, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["export", str(model), "--output", str(out), "--int8", str(tmp_path)]) == 1
    said = f"tracker-ros: error: {model} has no shared trunk that could be in 8 bits\n"
    assert capsys.readouterr().err == said and not out.exists()
