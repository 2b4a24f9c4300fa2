import json

from tracker_ros.cli import main


def test_info_as_table_and_as_json(model, capsys):
    assert main(["info", str(model)]) == 0
    table = capsys.readouterr().out
    assert main(["info", "--json", str(model)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["architecture"] == "dastm"
    assert facts["tracking"]["query_size"] == 64
    assert f"{facts['parameters']['inference']:,}" in table
    assert "training.data" in table


def test_a_damaged_model_is_one_sentence(model, tmp_path, capsys):
    path = tmp_path / "half.safetensors"
    path.write_bytes(model.read_bytes()[:1000])
    assert main(["info", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error: ") and str(path) in error
    assert error.count("\n") == 1
