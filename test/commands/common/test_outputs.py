"""Nothing that is read is written over, and nothing is replaced by less."""

import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import pytest

from test.commands.conftest import WITHOUT_TORCH
from tracker_ros.commands import main
from tracker_ros.commands.common.outputs import check_outputs
from tracker_ros.core.errors import InputError
from tracker_ros.sources import open_source

BOX = "5,20,20,20"


@pytest.fixture
def clip(sequence, tmp_path):
    """A video of 12 frames."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (80, 60))
    for picture in sorted((sequence(12) / "img").iterdir()):
        writer.write(cv2.imread(str(picture)))
    writer.release()
    return path


def refused(capsys, *arguments):
    """The error of a command that must end with one."""
    assert main([*map(str, arguments)]) == 1
    err = capsys.readouterr().err
    assert err.count("tracker-ros: error: ") == 1
    return err


@pytest.mark.parametrize("link", (None, "symbolic", "hard", "dotted"))
@pytest.mark.parametrize("option", ("--video", "--csv"))
def test_the_clip_is_not_written_over(clip, model, tmp_path, capsys, option, link):
    output = tmp_path / "output.avi"
    if link == "symbolic":
        output.symlink_to(clip.name)
    elif link == "hard":
        os.link(clip, output)
    else:
        output = clip if link is None else tmp_path / "sequences" / ".." / clip.name
    before = clip.read_bytes()
    err = refused(capsys, "track", clip, "--box", BOX, "--model", model, option, output)
    assert f"{option} would write over {clip}, which is read" in err
    assert clip.read_bytes() == before


@pytest.mark.parametrize("name", ("groundtruth_rect.txt", "img/00003.png"))
@pytest.mark.parametrize("link", (None, "symbolic", "hard"))
def test_nor_is_what_is_in_its_folder(sequence, model, tmp_path, capsys, name, link):
    folder, output = sequence(4), tmp_path / "output"
    inside = folder / name
    if link == "symbolic":
        output.symlink_to(inside)
    elif link == "hard":
        os.link(inside, output)
    else:
        output = inside
    before = inside.read_bytes()
    for option in ("--csv", "--video"):
        err = refused(capsys, "track", folder, "--model", model, option, output)
        assert str(inside.name) in err and "which is read" in err
    err = refused(capsys, "evaluate", tmp_path / "sequences", "--model", model, "--json", output)
    assert "--json would write over" in err
    assert inside.read_bytes() == before


def test_nor_is_the_model(sequence, model, tmp_path, capsys):
    copy = tmp_path / "model.safetensors"
    shutil.copy(model, copy)
    err = refused(capsys, "track", sequence(3), "--model", copy, "--csv", copy)
    assert "--csv would write over" in err
    assert copy.read_bytes() == model.read_bytes()


def test_nor_what_a_descriptor_is_open_on(clip, model, capsys):
    before = clip.read_bytes()
    with clip.open("r+b") as file:
        for folder in ("/dev/fd", "/proc/self/fd"):
            err = refused(capsys, "track", clip, "--box", BOX, "--model", model, "--csv",
                          f"{folder}/{file.fileno()}")  # fmt: skip
            assert "--csv would write over" in err
    assert clip.read_bytes() == before


def test_nor_what_an_earlier_run_left(clip, model, tmp_path, capsys):
    left, output = tmp_path / "film.avi.part.avi", tmp_path / "film.avi"
    clip.rename(left)
    output.write_bytes(b"earlier")
    before = left.read_bytes()
    for option in ("--video", "--csv"):
        err = refused(capsys, "track", left, "--box", BOX, "--model", model, option, output)
        assert f"{option} would write over {left}" in err
    assert left.read_bytes() == before


def test_two_outputs_are_two_files(sequence, model, tmp_path, capsys):
    folder, output = sequence(3), tmp_path / "new.avi"
    (tmp_path / "link.avi").symlink_to("new.avi")
    for csv in (output, tmp_path / "link.avi", tmp_path / "sequences" / ".." / "new.avi"):
        err = refused(capsys, "track", folder, "--model", model, "--video", output, "--csv", csv)
        assert "--video and --csv are the same file" in err
    out = tmp_path / "out"
    for name in ("evaluation.json", "results.json", "report.html"):
        err = refused(capsys, "evaluate", folder, "--model", model, "--out", out,
                      "--json", out / name)  # fmt: skip
        assert "are the same file" in err
    assert not output.exists() and not out.exists()


def test_what_stands_beside_the_pictures_may_be_written(sequence, model, capsys):
    folder = sequence(3)
    for _ in range(2):
        arguments = ["track", folder, "--model", model, "--csv", folder / "boxes.csv"]
        assert main([*map(str, arguments)]) == 0


def test_no_picture_joins_those_that_are_read(sequence, model, tmp_path, capsys):
    folder, link = sequence(3), tmp_path / "link"
    link.symlink_to(folder / "img")
    before = sorted(folder.rglob("*"))
    for sheet in (folder / "img" / "sheet.png", link / "sheet.png", folder / "sheet.JPG"):
        err = refused(capsys, "explain", folder, "--model", model, "--out", sheet)
        assert f"--out would put {sheet} among what is read of {folder}: choose another" in err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("place", (".", "square", "square/img", "new/folder", "../link"))
def test_results_stay_out_of_the_data(sequence, model, tmp_path, capsys, place):
    data = sequence(3).parent
    (tmp_path / "link").symlink_to(data / "square")
    out, before = data / place, sorted(data.rglob("*"))
    told = f"--out is {out}, in {data}, which is read: choose a folder outside of it"
    small = ("--model", "dastm_tiny", "--recipe", "short", "--out", out)
    for command in (
        ("evaluate", data, "--peers-only", "--peer", "kcf", "--out", out),
        ("train", data, *small),
        ("train", f"got10k:{data}:2", *small),
        ("train", model.parent, "--validate", data, *small),
        ("train-refiner", data, "--out", out),
        ("ablate", data, "--validate", model.parent, "--out", out),
        ("ablate", "--validate", data, "--out", out),
    ):
        assert told in refused(capsys, *command)
    assert sorted(data.rglob("*")) == before


def test_nor_do_results_join_a_recording(tmp_path, capsys, monkeypatch):
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "walk_0.mcap").touch()
    monkeypatch.chdir(tmp_path / "walk")
    assert "--out is out/walk, in ., which is read" in refused(capsys, "evaluate", ".")


def test_streams_may_be_named_twice(tmp_path):
    check_outputs([], {"--csv": "/dev/stdout", "--json": "/dev/stdout"})
    with pytest.raises(InputError, match="--a and --b are the same file"):
        check_outputs([], {"--a": tmp_path / "x", "--b": tmp_path / "." / "x"})


def test_a_folder_that_contains_itself(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "out.csv").touch()
    os.link(tmp_path / "out.csv", tmp_path / "other")
    check_outputs([tmp_path / "a"], {"--csv": tmp_path / "out.csv"})


@pytest.mark.parametrize(
    "arguments",
    (
        ("--box", "500,500,5,5"),
        ("--box", BOX, "--video", "film.gif"),
        ("--box", BOX, "--model", "nowhere.onnx"),
    ),
)
def test_earlier_results_outlive_a_run_that_fails(clip, model, tmp_path, capsys, arguments):
    table = tmp_path / "boxes.csv"
    table.write_text("earlier")
    refused(capsys, "track", clip, "--model", model, "--csv", table, *arguments)
    assert table.read_text() == "earlier"


def test_a_damaged_picture_leaves_earlier_results_and_its_own_beside(sequence, model, tmp_path,
                                                                     capsys):  # fmt: skip
    folder, table, film = sequence(6), tmp_path / "boxes.csv", tmp_path / "film.mp4"
    arguments = ("track", folder, "--model", model, "--csv", table, "--video", film)
    assert main([*map(str, arguments)]) == 0
    earlier = table.read_text(), film.read_bytes()
    (folder / "img" / "00003.png").write_bytes(b"damaged")
    err = refused(capsys, *arguments)
    assert "00003.png is not a picture" in err
    assert (table.read_text(), film.read_bytes()) == earlier
    assert len((tmp_path / "boxes.csv.part").read_text().splitlines()) == 1 + 3
    assert len(list(open_source(tmp_path / "film.mp4.part.mp4"))) == 3


@pytest.mark.parametrize(
    "number, suffix",
    (
        (signal.SIGHUP, ".mp4"),
        (signal.SIGHUP, ".avi"),
        (signal.SIGTERM, ".mp4"),
        (signal.SIGINT, ".avi"),
    ),
)
def test_a_closed_terminal_leaves_a_playable_video(sequence, tmp_path, number, suffix):
    film, table = tmp_path / f"film{suffix}", tmp_path / "boxes.csv"
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker_ros", "track", sequence(3000), *WITHOUT_TORCH,
         "--video", film, "--csv", table],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while not table.exists() or table.read_bytes().count(b"\n") < 5:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    rows = table.read_text().splitlines()
    assert 3000 > len(rows) > 4
    assert abs(len(list(open_source(film))) - (len(rows) - 1)) <= 1


def test_csv_to_stdout_comes_row_by_row(sequence):
    run = subprocess.run(
        [sys.executable, "-m", "tracker_ros", "track", sequence(4), *WITHOUT_TORCH,
         "--csv", "/dev/stdout"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line.split(",")[0] for line in run.stdout.splitlines()[:5]] == [
        "frame", "0", "1", "2", "3"
    ]  # fmt: skip
    assert "success AUC" in run.stdout


def test_the_demo_makes_room_only_where_a_bag_was(tmp_path, capsys, model):
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "thesis.txt").write_text("mine")
    err = refused(capsys, "demo", "--output", tmp_path, "--model", model)
    assert "outputs is there already, and no recording" in err
    assert (tmp_path / "outputs" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("options", ((), ("--output", "model.safetensors")))
def test_a_checkpoint_is_not_converted_into_itself(model, tmp_path, capsys, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    shutil.copy(model, "model.safetensors")
    err = refused(capsys, "convert", "stmtrack", "model.safetensors", *options)
    assert "would write over model.safetensors" in err
    assert (tmp_path / "model.safetensors").read_bytes() == model.read_bytes()
