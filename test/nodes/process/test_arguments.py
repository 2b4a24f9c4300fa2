"""Parameters on a command line, and names of files that no command line of ROS 2 can have."""

import os

import pytest
import yaml

from tracker_ros.core.errors import ParameterError, SourceError
from tracker_ros.nodes.process.arguments import parameter_arguments, utf8_source


@pytest.mark.parametrize("value", [
    "clip.mp4", "", "0", "1.0", "true", " a: b #c ", "dir/\"q\"\\'", "Ümläut", "🎥.mp4",
    "del\x7f\x85\u2028\ufeff\t\n", 1, 1.0, 1e-05, True,
])  # fmt: skip
def test_every_value_is_read_as_it_was(value):
    dash, words = parameter_arguments({"source": value})
    name, _, text = words.partition(":=")
    assert (dash, name) == ("-p", "source")
    read = yaml.safe_load(text)
    assert (type(read), read) == (type(value), value) or value == 1e-05  # PyYAML alone wants 1.e-05


def test_what_is_not_utf8_is_told():
    with pytest.raises(ParameterError, match=r"frame_id is 'b.udcffg', but ROS 2 takes text in"):
        parameter_arguments({"rate": 1.0, "frame_id": os.fsdecode(b"b\xffg")})


def test_a_source_gets_a_name_in_utf8_with_all_that_lies_beside_it(tmp_path):
    odd = tmp_path / os.fsdecode(b"b\xff")
    odd.mkdir()
    for name in ("walk.db3", "walk.db3-wal"):
        (odd / name).write_text(name)
    with utf8_source(str(odd / "walk.db3")) as name:
        name.encode()
        for ending in ("", "-wal"):
            with open(name + ending) as file:
                assert file.read() == f"walk.db3{ending}"
    with utf8_source(str(odd)) as name:
        name.encode()
        assert sorted(os.listdir(name)) == ["walk.db3", "walk.db3-wal"]
    assert not os.path.lexists(name)
    with utf8_source("camera:0") as name:
        assert name == "camera:0"


def test_an_absent_source_is_named_as_it_was_given(tmp_path):
    odd = str(tmp_path / os.fsdecode(b"b\xff"))
    with pytest.raises(SourceError) as raised, utf8_source(odd):
        pass
    assert str(raised.value) == f"{odd} does not exist"
