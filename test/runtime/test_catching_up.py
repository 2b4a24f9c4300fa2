"""Which frames are tracked through after a start in the past: as many as there is time for."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.runtime import catching_up
from tracker_ros.runtime.catching_up import frames_after, spread
from tracker_ros.runtime.frame_slot import ReceivedImage


def frames(total):
    return [ReceivedImage(i, 0, i, 0.0, None) for i in range(total)]


@pytest.mark.parametrize(("each", "limit", "wanted"), [(1, 5, 5), (1, 100, 30), (20, 5, 2)])
def test_what_there_is_time_for_is_evenly_spread(monkeypatch, each, limit, wanted):
    now = 0.0
    monkeypatch.setattr(catching_up.time, "monotonic", lambda: now)
    monkeypatch.setattr(catching_up, "LONGEST", limit)
    slot, chosen = SimpleNamespace(after=lambda number: frames(30)[number + 1 :]), []
    for frame in frames_after(slot, -1):
        chosen.append(frame.number)
        now += each
    assert (len(chosen), chosen[0], chosen[-1]) == (wanted, 0, 29)
    gaps = np.diff(chosen)
    assert gaps.max() <= gaps.min() + 1


@given(st.integers(0, 200), st.integers(1, 200))
def test_spread_keeps_order_and_the_last(total, count):
    chosen = spread(frames(total), count)
    numbers = [frame.number for frame in chosen]
    assert len(chosen) == min(total, count)
    assert numbers == sorted(set(numbers))
    assert chosen[-1:] == frames(total)[-1:]
