"""Stamps of messages to nanoseconds and back."""

import pytest

from tracker_ros.conversions.stamps import ns_to_stamp, seconds, stamp_to_ns
from tracker_ros.core.errors import InputError


@pytest.mark.parametrize(
    "nanoseconds, text",
    (
        (1_700_000_000_040_000_001, "1700000000.040000001"),  # more digits than a float has
        (7, "0.000000007"),
        (-1_500_000_000, "-1.500000000"),
    ),
)
def test_stamps_are_told_with_all_their_digits(nanoseconds, text):
    assert seconds(nanoseconds) == text


@pytest.mark.parametrize("second", [-(2**31) - 1, 2**31])
def test_a_stamp_beyond_a_message_s_32_bits_is_told(second):
    with pytest.raises(InputError, match=rf"cannot hold the stamp {second}\.000000000"):
        ns_to_stamp(second * 1_000_000_000)


def test_a_stamp_reads_back():
    """Through a real ROS message."""
    pytest.importorskip("builtin_interfaces")
    assert stamp_to_ns(ns_to_stamp(3_000_000_007)) == 3_000_000_007
