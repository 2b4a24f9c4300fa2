"""The contact sheet, and the command that writes it."""

import cv2
import numpy as np
import pytest

from tracker_ros.commands import main
from tracker_ros.core.errors import InputError
from tracker_ros.training.samples.preview import CAPTION, GAP, contact_sheet, write_contact_sheet
from tracker_ros.training.samples.sampling import Sample

GREEN, RED = (60, 220, 60), (60, 60, 240)


def sample(positive: bool) -> Sample:
    return Sample(
        np.full((2, 40, 40, 3), 90, np.uint8),
        np.array([[10, 10, 20, 15]] * 2, np.float32),
        np.full((1, 60, 60, 3), 120, np.uint8),
        np.array([[5, 6, 30, 20]], np.float32),
        positive,
        "got10k",
    )


def test_crops_and_boxes_are_drawn_where_they_belong():
    sheet = contact_sheet([sample(True), sample(False), sample(True)], columns=2)
    width, height = 40 + 40 + 60 + 2 * GAP, CAPTION + 60
    assert sheet.shape == (2 * height + 3 * GAP, 2 * width + 3 * GAP, 3)
    top, query = GAP + CAPTION, GAP + 80 + 2 * GAP
    assert tuple(sheet[top + 10, GAP + 10]) == GREEN  # corner of the first memory box
    assert tuple(sheet[top + 6, query + 5]) == GREEN  # corner of the query's box
    assert tuple(sheet[top + 6, query + width + GAP + 5]) == RED  # the same in a negative pair
    assert tuple(sheet[top + 12, query + 10]) == (120, 120, 120)


def test_a_sheet_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/p"):
        write_contact_sheet([sample(True)], tmp_path / "nowhere/p.png")
    for name in ("p.nothing", "p"):
        with pytest.raises(InputError, match="is no suffix of a picture"):
            write_contact_sheet([sample(True)], tmp_path / name)
    full = tmp_path / "full.png"
    full.symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"No space left on device: '{full}'"):
        write_contact_sheet([sample(True)], full)


@pytest.fixture
def otb(tmp_path):
    home = tmp_path / "set/walk"
    (home / "img").mkdir(parents=True)
    (home / "groundtruth_rect.txt").write_text("30,20,20,16\n" * 4)
    for i in range(4):
        cv2.imwrite(str(home / "img" / f"{i}.jpg"), np.full((60, 80, 3), 90, np.uint8))
    return tmp_path / "set"


def test_the_command_writes_a_sheet_and_trains_nothing(otb, tmp_path, capsys):
    out, cache = tmp_path / "p.png", tmp_path / "cache"
    arguments = ["train", f"otb:{otb}:1", "--preview", str(out), "--cache", str(cache)]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert cv2.imread(str(out)).shape[0] > 500
    assert not (tmp_path / "run").exists()
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "told"), [("p.pdf", "is no suffix of a picture"), ("file/p.png", "file: File exists")]
)
def test_a_sheet_that_cannot_be_written_is_told_first(otb, tmp_path, capsys, name, told):
    (tmp_path / "file").touch()
    cache = tmp_path / "cache"
    arguments = ["train", f"otb:{otb}:1", "--preview", str(tmp_path / name)]
    assert main([*arguments, "--cache", str(cache)]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not cache.exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [("otb:nowhere", "is not a folder"), ("otv:nowhere", "got10k"), ("nowhere", "is not a folder")],
)
def test_wrong_data_ends_in_a_sentence(data, told, tmp_path, capsys):
    assert main(["train", data, "--preview", str(tmp_path / "p.png")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error:") and told in error
    assert len(error.splitlines()) == 1
