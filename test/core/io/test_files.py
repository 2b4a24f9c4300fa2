import os
import subprocess
import sys
import threading

import pytest

from tracker_ros.core.io.files import growing, replacing, write_json


def write(path, text="new"):
    with replacing(path) as part:
        part.write_text(text)


def test_what_goes_wrong_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert path.read_text() == "old"


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results" / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert path.read_text() == '{\n  "a": 1\n}\n'


@pytest.mark.parametrize("there", (True, False))
def test_links_go_on_pointing_where_they_point(tmp_path, there):
    target, link, other = (tmp_path / name for name in ("target", "link", "other"))
    if there:
        target.write_text("old")
        target.chmod(0o640)
        os.link(target, other)
    link.symlink_to("target")
    write(link)
    assert link.is_symlink() and target.read_text() == link.read_text() == "new"
    if there:
        assert other.read_text() == "new" and target.stat().st_mode & 0o777 == 0o640
    assert {p.name for p in tmp_path.iterdir()} <= {"target", "link", "other"}


@pytest.mark.parametrize("write_to", ("replacing", "growing"))
def test_a_pipe_is_written_into(tmp_path, write_to):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    if write_to == "replacing":
        write(path)
    else:
        with growing(path) as file:
            file.write("new")
    reader.join(60)
    assert read == ["new"] and path.is_fifo() and len(list(tmp_path.iterdir())) == 1


def test_devices_are_written_into(tmp_path):
    before = os.stat("/dev/null")
    (tmp_path / "link").symlink_to("/dev/null")
    for path in ("/dev/null", tmp_path / "link"):
        write(type(tmp_path)(path))
    assert os.path.samestat(before, os.stat("/dev/null"))
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(OSError, match="No space left"):
        write(type(tmp_path)("/dev/full"))


@pytest.mark.parametrize("name", ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"))
@pytest.mark.parametrize("kind", ("file", "pipe"))
def test_stdout_keeps_what_is_in_it(tmp_path, name, kind):
    if name == "link":
        name = tmp_path / "link"
        name.symlink_to("/dev/stdout")
    script = (
        "import sys, pathlib; from tracker_ros.core.io.files import growing, write_json\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "print('table', flush=True); write_json(path, {})\n"
        "with growing(path) as file: file.write('row\\n')\n"
        "print('end')"
    )
    command = [sys.executable, "-c", script, str(name)]
    out = tmp_path / "out"
    if kind == "file":
        with out.open("w") as stdout:
            subprocess.run(command, stdout=stdout, check=True)
        text = out.read_text()
    else:
        text = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    assert text == "table\n{}\nrow\nend\n"


def test_what_grows_takes_its_place_at_the_end(tmp_path):
    path = tmp_path / "new" / "a.csv"
    with growing(path) as file:
        file.write("1\n")
        assert path.read_text() == "1\n"  # at once, for there is nothing to lose
    with growing(path) as file:
        file.write("2\n")
        assert (path.parent / "a.csv.part").read_text() == "2\n"
        assert path.read_text() == "1\n"
    assert path.read_text() == "2\n" and len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize(
    "error, old, rows, result, left",
    (
        (ValueError, None, "1\n", "1\n", None),  # better than nothing
        (ValueError, "old", "1\n", "old", "1\n"),
        (ValueError, "old", "", "old", None),
        (ValueError, None, "", None, None),
        (KeyboardInterrupt, "old", "1\n", "1\n", None),  # how cameras are ended
        (SystemExit, "old", "1\n", "1\n", None),
        (KeyboardInterrupt, "old", "", "old", None),
    ),
)
def test_a_run_that_fails_replaces_nothing_by_less(tmp_path, error, old, rows, result, left):
    path, part = tmp_path / "a.csv", tmp_path / "a.csv.part"
    if old:
        path.write_text(old)
    with pytest.raises(error), growing(path) as file:
        file.write(rows)
        raise error
    assert (path.read_text() if path.exists() else None) == result
    assert (part.read_text() if part.exists() else None) == left


def test_folders_and_missing_folders_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "none" / "a"):
        with pytest.raises(OSError) as caught:
            write(path)
        assert str(path) in caught.value.filename
