"""``tracker-ros explain``: a video or a sheet."""

import cv2
import numpy as np
import pytest

from tracker_ros.commands import main
from tracker_ros.runtime.outputs.attention_view import WIDTH, AttentionView

pytest.importorskip("torch")


def test_a_video_has_a_picture_for_every_frame(sequence, model, tmp_path, capsys):
    out = tmp_path / "out" / "a.mp4"
    assert (
        main(["explain", str(sequence(6, "walk")), "--model", str(model), "--out", str(out)]) == 0
    )
    assert capsys.readouterr().out.strip() == str(out)
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == WIDTH
    capture.release()


@pytest.mark.parametrize(
    ("options", "rows"), [([], 6), (["--at", "1,4"], 2), (["--frames", "3"], 3)]
)
def test_a_sheet_has_the_frames_that_were_asked_for(sequence, model, tmp_path, options, rows):
    out = tmp_path / "a.png"
    command = ["explain", str(sequence(6, "walk")), "--model", str(model), "--out", str(out)]
    assert main([*command, *options]) == 0
    assert cv2.imread(str(out)).shape == (rows * AttentionView.height, WIDTH, 3)


def test_frames_of_a_sheet_that_do_not_exist_are_named(sequence, model, tmp_path, caplog):
    out = tmp_path / "a.png"
    command = ["explain", str(sequence(6, "walk")), "--model", str(model), "--out", str(out)]
    assert main([*command, "--at", "1,6,99"]) == 0
    assert cv2.imread(str(out)).shape[0] == AttentionView.height
    assert "not among the 6 frames of" in caplog.text and "walk: 6, 99" in caplog.text


def test_pictures_of_another_size_are_skipped_and_named(sequence, model, tmp_path, caplog):
    folder, out = sequence(6, "walk"), tmp_path / "a.png"
    cv2.imwrite(str(folder / "img" / "00004.png"), np.zeros((30, 40, 3), np.uint8))
    assert main(["explain", str(folder), "--model", str(model), "--out", str(out)]) == 0
    assert cv2.imread(str(out)).shape[0] == 5 * AttentionView.height
    assert "were skipped: 1, of which 00004.png is of 40x30" in caplog.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--out", "a.gif"], "--out is a.gif, neither .mp4, .avi nor .png, .jpg"),
        (["--out", "a.mp4", "--at", "3"], "--at is for a sheet"),
        (["--out", "a.png", "--at", "99"], "none of the frames of --at is among the 6"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    sequence, model, tmp_path, monkeypatch, capsys, options, sentence
):
    folder = sequence(6, "walk")
    monkeypatch.chdir(tmp_path)
    assert main(["explain", str(folder), "--model", str(model), *options]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert not (tmp_path / options[1]).exists()


def test_a_sheet_that_cannot_be_written_is_told_first(sequence, model, tmp_path, capsys):
    folder, out = sequence(6, "walk"), tmp_path / "file" / "a.png"
    out.parent.touch()
    for picture in (folder / "img").iterdir():
        picture.unlink()  # what would be told if it came to that
    assert main(["explain", str(folder), "--model", str(model), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert f"{out.parent}: Not a directory" in error or f"{out.parent}: File exists" in error


def test_heat_glows_where_it_is():
    from tracker_ros.runtime.outputs.attention_view import heat

    image, values = np.full((80, 80, 3), 100, np.uint8), np.zeros((4, 4), np.float32)
    values[1, 2] = 0.5
    glowing = heat(image, values, 0.5).astype(int)
    change = np.abs(glowing - 100).sum(2)
    assert np.unravel_index(change.argmax(), change.shape) == pytest.approx((30, 50), abs=10)
    assert change[60:, :20].max() == 0
