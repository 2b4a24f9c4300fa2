from pathlib import Path

import pytest

from tracker_ros.sources.order import in_order


@pytest.mark.parametrize(
    "names",
    (
        "frame1 frame2 frame10",
        "1700000000.05 1700000000.5 1700000000.75 1700000001.0 1700000001.25",
        "9.5 10.25 10.3",
        "t9.5_left t10.25_left t10.3_left",
        "cam2_1700000000.05 cam2_1700000000.5 cam10_1700000000.05",
        "-2.5 -2 -0.05 0 0.5 10",
        "-3 -2 -1",
        "1e-05 0.5 2",
        "take1.8 take1.9 take1.10 take1.11 take2.1",  # counters
        "1.8 1.9 1.10 2.1",
        "0.050 0.100 0.150 1.000",
        "2024.9.5_2 2024.9.5_10 2024.10.1_1",  # dates
        "1700000000_999999999 1700000001_5",
        "a b c",
        "007 07 7",
    ),
)
def test_pictures_come_in_the_order_they_were_taken(names):
    for suffix in (".jpg", ""):  # pictures, and folders
        paths = [Path(f"{name}{suffix}") for name in names.split()]
        assert in_order(reversed(paths)) == paths == in_order(paths)
    assert in_order([*paths, Path("._x.jpg"), Path(".hidden")]) == paths
