import json

from tracker_ros.commands import main


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


def test_a_preset_stands_beside_its_papers_figures(capsys):
    assert main(["info", "stmtrack"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (macs,) = (row for row in rows if "macs.frame" in row)
    assert [part for part in macs if part[0].isdecimal()] == ["42,082,829,824", "42,000,000,000"]
    (cells,) = (row for row in rows if "map" in row)
    assert [part for part in cells if part[0].isdecimal()] == ["25x25", "25x25"]


def test_an_unknown_name_is_told_all_that_there_are(capsys):
    assert main(["info", "siamese"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error: ") and error.count("\n") == 1
    assert "'siamese'" in error and "dastm" in error and "stif_tiny" in error
