import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from tracker_ros.commands import main
from tracker_ros.evaluation.results import SequenceResult


def test_peers_in_one_table_and_one_file(sequence, tmp_path, capsys):
    sequence(8, "first")
    folder = sequence(6, "second").parent
    out = tmp_path / "out" / "result.json"
    arguments = ["evaluate", str(folder), "--peers-only", "--peer", "KCF,mosse"]
    assert main([*arguments, "--json", str(out)]) == 0
    table = capsys.readouterr().out
    for word in ("kcf", "mosse", "first", "second", "all"):
        assert word in table
    report = json.loads(out.read_text())
    assert list(report["trackers"]) == ["kcf", "mosse"]
    kcf = report["trackers"]["kcf"]
    assert kcf["per_sequence"]["first"]["frames"] == 8
    rows = kcf["per_sequence"].values()
    assert kcf["auc"] == pytest.approx(sum(row["auc"] for row in rows) / 2)
    last = next(line for line in table.splitlines() if line.split()[:1] == ["all"])
    assert f"{kcf['auc']:.3f} / {kcf['precision']:.3f}" in last


def test_from_several_starts(sequence, tmp_path, capsys):
    folder, out = sequence(8, "walk"), tmp_path / "result.json"
    arguments = ["evaluate", str(folder), "--peers-only", "--peer", "mosse", "--starts", "2"]
    assert main([*arguments, "--json", str(out)]) == 0
    rows = json.loads(out.read_text())["trackers"]["mosse"]["per_sequence"]
    assert {name: row["frames"] for name, row in rows.items()} == {"walk": 8, "walk@5": 4}
    assert "each sequence from at most 2 starts" in capsys.readouterr().out


def test_our_tracker_scores_the_same_twice(sequence, model, tmp_path):
    folder = sequence(8)
    reports = []
    for name in ("a.json", "b.json"):
        arguments = ["evaluate", str(folder), "--model", str(model), "--peer", "kcf"]
        assert main([*arguments, "--json", str(tmp_path / name)]) == 0
        reports.append(json.loads((tmp_path / name).read_text())["trackers"])
    assert list(reports[0]) == ["tiny", "kcf"]
    assert reports[0]["tiny"]["settings"]["provider"].startswith("torch")
    assert reports[0]["tiny"]["facts"]["architecture"] == "dastm"
    assert sum(reports[0]["tiny"]["per_sequence"]["square"]["branches"].values()) == 7
    for name in reports[0]:
        first, second = (report[name]["per_sequence"]["square"] for report in reports)
        for key in ("auc", "precision", "lost", "branches"):
            assert first[key] == second[key]


def test_same_name_twice(sequence, capsys):
    folder = sequence(3)
    status = main(["evaluate", str(folder), str(folder), "--peers-only", "--peer", "kcf"])
    assert status == 1
    assert "several sequences have the name 'square'" in capsys.readouterr().err


def test_unknown_peer(sequence, capsys):
    assert main(["evaluate", str(sequence(3)), "--peers-only", "--peer", "sift"]) == 1
    assert "no peer 'sift'" in capsys.readouterr().err


def test_more_processes_than_there_is_room_for(sequence, capsys):
    assert main(["evaluate", str(sequence(4)), "--peers-only", "--peer=kcf", "--jobs=100000"]) == 1
    assert "--jobs is 100000, more than 16 for each of the " in capsys.readouterr().err


def test_a_name_that_is_too_long_is_told_before_the_run(sequence, tmp_path, capsys):
    sequence(4, "a")
    folder, out = sequence(4, 250 * "b").parent, tmp_path / "out"
    assert main(["evaluate", str(folder), "--peers-only", "--peer=kcf", f"--out={out}"]) == 1
    assert "the name is too long for a file of results in" in capsys.readouterr().err
    assert not list(out.rglob("*.npz"))


def test_a_folder_that_is_gone(tmp_path):
    program = tmp_path / "program.py"  # with -c, Python 3.13.0 itself fails there
    program.write_text(
        "import os, sys; from tracker_ros.commands import main; os.rmdir(os.getcwd());"
        "sys.exit(main(['evaluate', 'here']))"
    )
    folder = tmp_path / "gone"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, program], cwd=folder, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stderr) == (
        1,
        "tracker-ros: error: the current folder: No such file or directory\n",
    )


def test_scores_that_could_not_be_written_are_told_first(sequence, tmp_path, capsys):
    (tmp_path / "file").touch()
    out = tmp_path / "out"
    arguments = ["evaluate", str(sequence(3)), "--peers-only", "--peer=kcf", f"--out={out}"]
    assert main([*arguments, f"--json={tmp_path / 'file' / 'scores.json'}"]) == 1
    error = capsys.readouterr().err
    assert f"{tmp_path / 'file'}: " in error and error.count("\n") == 1
    assert not out.exists()


def test_nothing_to_evaluate(sequence, capsys):
    command = ["evaluate", str(sequence(3)), "--peers-only"]
    for option in ("--paper", "--tracking=lost_score=0", "--model=dastm_nano", "--engine=onnx",
                   "--device=cpu", "--precision=bf16", "--allow-cpu-fallback"):  # fmt: skip
        assert main([*command, "--peer=kcf", option]) == 1
        name = option.partition("=")[0]
        told = f"{name} is about our tracker, but --peers-only leaves it out"
        assert told in capsys.readouterr().err
    assert main(command) == 1
    assert "needs at least one --peer" in capsys.readouterr().err


def command(folder, *options):
    return [sys.executable, "-m", "tracker_ros", "evaluate", folder, "--peers-only", *options]


def wait_for(path, process):
    """Until there are files like `path`."""
    deadline = time.monotonic() + 240
    while not list(path.parent.glob(path.name)) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def results(folder):
    """The bytes of all results but their times."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.glob("*/*.npz")}


def test_interrupted_run_keeps_what_is_done(sequence, tmp_path):
    folder = sequence(400, size=(240, 320))
    out = tmp_path / "result.json"
    process = subprocess.Popen(
        command(folder, "--peer", "mosse,mil", "--json", out), stderr=subprocess.PIPE, text=True
    )
    wait_for(out, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 130, errors
    assert errors.strip() == "tracker-ros: interrupted"
    assert list(json.loads(out.read_text())["trackers"]) == ["mosse"]


@pytest.fixture
def four(sequence):
    """A folder of four sequences; the last two take CSRT longer than a test ever sleeps."""
    for name, frames in (("a", 6), ("b", 6), ("c", 400), ("d", 400)):
        folder = sequence(frames, name, size=(240, 320))
    return folder.parent


def shorten(folder, frames=6):
    """Leave so many frames of a sequence."""
    for path in sorted((folder / "img").iterdir())[frames:]:
        path.unlink()
    truth = folder / "groundtruth_rect.txt"
    truth.write_text("\n".join(truth.read_text().split()[:frames]))


def test_interrupted_processes_leave_whole_files_and_nothing_running(four, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(four, "--peer", "csrt", "--jobs", "2", "--out", out),
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(out / "csrt" / "*.npz", process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 130, errors
    assert errors.strip() == "tracker-ros: interrupted"
    # The pipe has come to its end, so no process is left that holds it.
    assert results(out)
    for path in out.glob("*/*.npz"):
        assert SequenceResult.load(path).sequence == path.stem


def test_a_killed_run_is_gone_on_with(four, tmp_path, capsys):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        command(four, "--peer", "csrt", "--jobs", "2", "--out", killed), stderr=subprocess.PIPE
    )
    wait_for(killed / "csrt" / "b.npz", process)
    process.kill()
    process.communicate(timeout=240)  # until its processes, too, have let go of the pipe
    kept = {path: path.stat().st_mtime_ns for path in killed.glob("*/*.npz")}
    assert {path.stem for path in kept} <= {"a", "b"}
    for name in "cd":
        shorten(four / name)
    for out in (killed, whole):
        arguments = ["evaluate", str(four), "--peers-only", "--peer", "csrt", "--out", str(out)]
        assert main(arguments) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    assert results(killed) == results(whole)
    assert sorted(results(whole)) == [f"csrt/{name}.npz" for name in "abcd"]
    assert str(whole / "report.html") in capsys.readouterr().out


def test_processes_of_torchrun_share_the_sequences(four, tmp_path, monkeypatch, capsys):
    for name in "cd":
        shorten(four / name)
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    arguments = ["evaluate", str(four), "--peers-only", "--peer", "kcf,mosse", "--out"]
    assert main([*arguments, str(alone)]) == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, expected in (("1", 4), ("0", 8)):
        monkeypatch.setenv("RANK", rank)
        capsys.readouterr()
        assert main([*arguments, str(shared)]) == 0
        assert len(results(shared)) == expected
        assert ("process 1 of 2 is done" in capsys.readouterr().out) == (rank == "1")
    assert results(alone) == results(shared)
    assert (shared / "results.json").is_file()
    assert main(arguments[:-1]) == 1
    assert "2 processes need --out" in capsys.readouterr().err


def test_other_trackers_join_but_not_another_protocol(sequence, tmp_path, capsys):
    folder = sequence(5).parent
    arguments = ["evaluate", str(folder), "--peers-only", "--out", str(tmp_path / "out")]
    for name in ("kcf", "mosse"):
        assert main([*arguments, "--peer", name, "--json", str(tmp_path / "all.json")]) == 0
    assert list(json.loads((tmp_path / "all.json").read_text())["trackers"]) == ["kcf", "mosse"]
    for path in folder.glob("square/img/*"):
        path.rename(path.with_suffix(".jpg"))
    capsys.readouterr()
    assert main([*arguments, "--peer", "kcf", "--dataset", "otb"]) == 1
    assert "holds results of dataset 'folder', not of 'otb'" in capsys.readouterr().err


def test_trackers_are_not_shown_beside_each_other_by_different_truth(sequence, tmp_path, capsys):
    folder, out = sequence(5), tmp_path / "out"
    arguments = ["evaluate", str(folder), "--peers-only", "--out", str(out)]
    assert main([*arguments, "--peer", "kcf"]) == 0
    truth = folder / "groundtruth_rect.txt"
    truth.write_text(truth.read_text().replace("6,20,20,20", "7,20,20,20"))
    assert main([*arguments, "--peer", "mosse"]) == 1
    assert "kcf/square.npz was made with another truth; choose" in capsys.readouterr().err
    assert not list(out.glob("mosse/*"))


def test_sequences_that_others_have_not_finished_are_told(sequence, tmp_path, capsys):
    first, out = sequence(5, "first"), ["--peers-only", "--out", str(tmp_path / "out")]
    assert main(["evaluate", str(first), "--peer", "kcf", *out]) == 0
    assert "in common" not in capsys.readouterr().out
    second = sequence(5, "second")
    assert main(["evaluate", str(first), str(second), "--peer", "mosse", *out]) == 0
    said = capsys.readouterr().out
    assert "of the sequences finished (kcf 1, mosse 2) only those that all have in common" in said


def test_a_set_without_public_truth_gives_a_submission(sequence, tmp_path, capsys, caplog):
    source = sequence(4)
    folder = tmp_path / "test" / "GOT-10k_Test_000001"
    shutil.copytree(source / "img", folder)
    for path in list(folder.iterdir()):
        path.rename(folder / f"{int(path.stem) + 1:08}.jpg")
    (folder / "groundtruth.txt").write_text("5.0,20.0,20.0,20.0\n")
    arguments = ["evaluate", str(folder.parent), "--dataset", "got10k", "--peers-only"]
    assert main([*arguments, "--peer", "kcf"]) == 1
    assert "the truth of this set is not public" in capsys.readouterr().err
    assert main([*arguments, "--peer", "kcf", "--out", str(tmp_path / "out")]) == 0
    with zipfile.ZipFile(tmp_path / "out" / "kcf-got10k.zip") as archive:
        names = [f"GOT-10k_Test_000001/GOT-10k_Test_000001_{x}.txt" for x in ("001", "time")]
        assert archive.namelist() == names
        first, *others = archive.read(names[0]).decode().splitlines()
    assert first == "5.000,20.000,20.000,20.000"
    assert len(others) == 3
    # One that has not finished all has none.
    shutil.copytree(folder, folder.with_name("GOT-10k_Test_000002"))
    assert main([*arguments, "--peer", "mosse", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "mosse-got10k.zip").exists()
    assert "no submission of kcf: it has finished 1 of 2 sequences" in caplog.text
