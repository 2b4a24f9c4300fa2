from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.memory import FrameMemory, segment_centres


def filled(count, capacity):
    memory = FrameMemory(capacity)
    for frame in range(count):
        memory = memory.add((frame,))  # tuples: the last one is told from the others by identity
    return memory


@pytest.mark.parametrize(
    ("total", "segments", "indices"),
    [
        (1, 4, [0]),
        (4, 4, [0, 1, 2, 3]),
        (5, 4, [0, 1, 2, 3]),  # parts of one frame: the first part's centre is the first frame
        (8, 4, [0, 1, 3, 5, 7]),
        (11, 4, [0, 1, 3, 5, 7]),
        (12, 4, [0, 1, 4, 7, 10]),
        (100, 4, [0, 12, 37, 62, 87]),  # the paper's eq. 5 would ask for frame 108 of 100
        (10, 1, [0, 5]),
        (7, 2, [0, 1, 4]),
    ],
)
def test_stmtrack_index_rule(total, segments, indices):
    assert segment_centres(total, segments) == indices


@given(st.integers(1, 5000), st.integers(1, 12))
def test_indices_are_distinct_in_order_and_in_range(total, segments):
    indices = segment_centres(total, segments)
    assert indices[0] == 0 and indices == sorted(set(indices)) and indices[-1] < total
    assert min(total, segments) <= len(indices) <= segments + 1


def test_memory_stays_bounded_and_spread_over_100_000_frames():
    capacity, memory = 16, FrameMemory(16)
    for frame in range(100_000):
        memory = memory.add((frame,))
        assert len(memory.kept) <= capacity and len(memory) <= capacity + 1
        assert memory.kept[0] == (0,) and memory.last == (frame,)
        assert len(memory.read(4)) <= 6
    kept = [frame for (frame,) in memory.kept]
    gaps = {later - earlier for earlier, later in pairwise(kept)}
    assert gaps == {memory.stride}  # perfectly even
    assert 100_000 - kept[-1] <= memory.stride and len(kept) > capacity // 2


@given(st.integers(1, 400), st.integers(1, 20), st.integers(1, 8))
def test_read_gives_first_spread_and_last_in_order(count, capacity, segments):
    memory = filled(count, capacity)
    frames = [frame for (frame,) in memory.read(segments)]
    assert frames == sorted(set(frames)) and len(frames) <= segments + 2
    assert frames[0] == 0 and frames[-1] == count - 1
    assert len(memory) == len({*memory.kept, memory.last}) <= capacity + 1


def test_golden_reads():
    assert filled(1, 16).read(4) == [(0,)]
    assert filled(3, 16).read(4) == [(0,), (1,), (2,)]
    assert filled(9, 16).read(4) == [(0,), (1,), (3,), (5,), (7,), (8,)]
    # The 17th frame makes the stride 2: 0, 2, ... 16 are kept.
    memory = filled(17, 16)
    assert memory.kept == tuple((frame,) for frame in range(0, 17, 2)) and memory.stride == 2
    assert memory.read(4) == [(0,), (2,), (6,), (10,), (14,), (16,)]
    assert filled(18, 16).read(4)[-1] == (17,)


def test_adding_leaves_the_old_memory_as_it_was():
    old = filled(16, 16)
    new = old.add((16,))
    assert len(old) == 16 and old.last == (15,) and len(old.kept) == 16
    assert new.count == 17


def test_empty_memory():
    memory = FrameMemory(4)
    assert len(memory) == 0 and memory.read(4) == []


def test_a_frame_that_is_not_sure_is_kept_and_not_read_as_the_last():
    memory = FrameMemory(16)
    for number in range(1, 10):
        memory = memory.add(number, sure=number != 9)
    # STMTrack's release at its tenth frame: of 9 stored, the first, the segments' centres.
    assert memory.read(4) == [1, 2, 4, 6, 8]
    assert len(memory) == 9
    assert memory.add(10).read(4)[-1] == 10
