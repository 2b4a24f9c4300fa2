"""`tracker-ros train`: bad options are one sentence before anything is written."""

import pytest

from tracker_ros.cli import main


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--steps", "0"], "--steps is 0, not a number from 1 up"),
        (["--batch", "-3"], "--batch is -3, not a number from 1 up"),
        (["--max-gap", "0"], "--max-gap is 0, not a number from 1 up"),
        (["--negative", "1.5"], "--negative is 1.5, not a number from 0 to 1"),
        (["--optimiser", "adam"], "--optimiser is 'adam', not one of adamw, sgd"),
        (["--model", "dastn"], "model 'dastn' is unknown; there is "),
        (["--network", "gates=soft"], "--network 'gates=soft': there is no 'gates' in backbone,"),
        (["--network", "channels=x"], "--network 'channels=x': 'x' is no int"),
        (["--tracking", "query_size=-3"], "tracking config: query_size is -3, not a positive"),
        (["--workers", "-1"], "--workers is -1, not a number from 0 up"),
        (["--seed", "-1"], "--seed is -1, not a number from 0 up"),
        (["--minutes", "nan"], "--minutes is nan, not a number from 0 up"),
        (["--minutes", "inf"], "--minutes is inf, not a number from 0 up"),
        (["--rate", "-0.1"], "--rate is -0.1, not a number from 0 up"),
        (["--network", "gate=firm"], "gate mode is 'firm', not one of hard, soft"),
        (["--device", "meta"], "--device is 'meta', not cpu, cuda or cuda:N"),
        (["--device", "cuda:"], "--device is 'cuda:', not cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "--device is 'cuda:99', but torch does not find it here"),
    ],
)
def test_bad_options(shards, tmp_path, capsys, options, sentence):
    pytest.importorskip("torch")
    assert main(["train", str(shards), "--out", str(tmp_path / "run"), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"tracker-ros: error: {sentence}") and error.count("\n") == 1
    assert not (tmp_path / "run").exists()
