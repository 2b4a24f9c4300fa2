import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.sources.bag.writer import BagWriter

TOPICS = {"/image": "sensor_msgs/msg/Image"}


def names(path):
    return sorted(p.name for p in path.iterdir())


def test_an_older_bag_is_replaced_by_a_whole_one(tmp_path):
    path = tmp_path / "bag"
    for _ in range(2):
        with BagWriter(path, TOPICS) as bag:
            bag.write("/image", 1, b"\0\1\0\0" + bytes(40))
    assert names(path) == ["bag.mcap", "metadata.yaml"] and names(tmp_path) == ["bag"]
    before = (path / "bag.mcap").read_bytes()
    with pytest.raises(ZeroDivisionError), BagWriter(path, TOPICS):
        raise ZeroDivisionError
    assert (path / "bag.mcap").read_bytes() == before and names(tmp_path) == ["bag"]


def test_what_kill_9_left_is_replaced_and_what_is_no_bag_is_not(tmp_path):
    path = tmp_path / "bag"
    path.mkdir()
    (path / "bag.mcap").write_bytes(b"half")
    with BagWriter(path, TOPICS):
        pass
    assert (path / "metadata.yaml").exists()
    (path / "thesis.txt").write_text("mine")
    with pytest.raises(SourceError, match="no recording"):
        BagWriter(path, TOPICS)
    assert (path / "thesis.txt").read_text() == "mine"
