import resource
import signal

import numpy as np
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


@pytest.mark.parametrize("older", [False, True])
def test_a_full_disk_is_named_and_leaves_an_older_bag(tmp_path, older):
    """A limit to the size of files does to this process what a full disk does to all."""
    path = tmp_path / "bag"
    if older:
        with BagWriter(path, TOPICS) as bag:
            bag.write("/image", 1, b"\0\1\0\0" + bytes(40))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with pytest.raises(OSError, match="File too large") as error:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))
            with BagWriter(path, TOPICS) as bag:
                for stamp in range(100):
                    noise = np.random.default_rng(stamp).bytes(10_000)
                    bag.write("/image", stamp, b"\0\1\0\0" + noise)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert error.value.filename == str(path)
    if older:
        assert names(path) == ["bag.mcap", "metadata.yaml"] and names(tmp_path) == ["bag"]


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
