"""The newest frame, the ring before it, and the count of dropped frames."""

import threading
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.runtime import frame_slot
from tracker_ros.runtime.frame_slot import FrameSlot

SECOND = 1_000_000_000


def slot_of(*stamps: int, history: float = 2.0, size: int = 1) -> FrameSlot:
    slot = FrameSlot(history, time_jump=0.5)
    for stamp in stamps:
        slot.put(f"message {stamp}", stamp, size)
    return slot


def stamps(slot: FrameSlot) -> list[int]:
    return [frame.stamp for frame in slot.after(0)]


def test_worker_gets_the_newest_and_the_rest_counts_as_dropped():
    slot = slot_of(10, 20, 30)
    frame = slot.wait(0)
    assert (frame.stamp, frame.message) == (30, "message 30")
    slot.use(frame)
    assert slot.dropped == 2
    assert slot.wait(0) is None


def test_frames_used_while_catching_up_are_not_dropped():
    slot = slot_of(10, 20, 30)
    slot.use(slot.find(30))
    assert slot.dropped == 2
    slot.use(slot.find(10))  # a start in the past
    assert slot.dropped == 2
    assert not slot.is_fresh(slot.find(30))
    slot.put("", 40, 1)
    slot.use(slot.find(40))
    assert slot.dropped == 2


def times(monkeypatch, *frames: tuple[float, float]) -> list[float]:
    """What frames with such stamps and arrivals get as their time; all in seconds."""
    arrivals = iter([arrival for _, arrival in frames])
    clock = SimpleNamespace(monotonic=lambda: next(arrivals))
    monkeypatch.setattr(frame_slot, "time", clock)
    slot, found = FrameSlot(100.0, time_jump=0.5), {}
    for stamp, _ in frames:
        slot.put("", round(stamp * SECOND), 1)
        found |= {frame.number: frame.time for frame in slot.after(0)}
    return [round(time / SECOND, 3) for time in found.values()]


def test_time_goes_by_the_stamps_of_a_recording_that_is_played_fast(monkeypatch):
    assert times(monkeypatch, (50, 7), (50.1, 7.01), (50.3, 7.02)) == [0, 0.1, 0.3]


def test_time_goes_by_the_arrivals_while_stamps_stand_still(monkeypatch):
    assert times(monkeypatch, (0, 7), (0, 7.1), (0, 9)) == [0, 0.1, 2]
    assert times(monkeypatch, (5, 7), (5.2, 7.1), (5.2, 7.3), (5.3, 7.4)) == [0, 0.2, 0.4, 0.5]


def test_time_goes_on_through_a_jump_of_the_stamps(monkeypatch):
    for other in (3650, 40, 0.5):
        frames = [(50 + i / 10, 7 + i / 10) for i in range(4)]
        frames += [(other + i / 10, 7 + i / 10) for i in range(4, 8)]
        assert times(monkeypatch, *frames) == [i / 10 for i in range(8)]


def test_time_goes_back_with_a_frame_whose_stamp_was_wrong(monkeypatch):
    frames = [(50 + i / 10, 7 + i / 10) for i in range(8)]
    frames[4] = (51.2, 7.4)  # believed at first
    assert times(monkeypatch, *frames) == [0, 0.1, 0.2, 0.3, 1.2, 0.5, 0.6, 0.7]


def test_wait_ends_with_a_frame_or_a_call():
    slot = slot_of()
    found = []
    thread = threading.Thread(target=lambda: found.append(slot.wait(60)))
    thread.start()
    slot.put("", 5, 1)
    thread.join()
    assert found[0].stamp == 5
    slot.use(found[0])
    thread = threading.Thread(target=lambda: found.append(slot.wait(60)))
    thread.start()
    slot.wake()
    thread.join()
    assert found[1] is None


def test_find_is_exact_and_zero_is_the_newest():
    slot = slot_of(10, 20, 30)
    assert slot.find(20).message == "message 20"
    assert slot.find(21) is None
    assert slot.find(0).stamp == 30
    assert slot_of().find(0) is None


def test_ring_ends_at_its_seconds_and_at_its_bytes(monkeypatch):
    assert stamps(slot_of(0, SECOND, 2 * SECOND, 3 * SECOND)) == [SECOND, 2 * SECOND, 3 * SECOND]
    monkeypatch.setattr(frame_slot, "MAX_BYTES", 25)
    assert stamps(slot_of(1, 2, 3, size=10)) == [2, 3]
    assert stamps(slot_of(1, 2, size=100)) == [2]
    monkeypatch.setattr(frame_slot, "MAX_FRAMES", 3)
    assert stamps(slot_of(7, 7, 7, 7, 7)) == [7, 7, 7]  # a camera without a clock


def test_frame_with_a_wrong_stamp_is_dropped():
    slot = slot_of(10 * SECOND, 10 * SECOND + 30)
    assert not slot.put("wrong", 5 * SECOND, 1).accepted
    assert slot.find(0).stamp == 10 * SECOND + 30
    slot.put("right", 10 * SECOND + 60, 1)
    assert stamps(slot) == [10 * SECOND, 10 * SECOND + 30, 10 * SECOND + 60]
    assert (slot.dropped, slot.misfits, slot.received, slot.find(0).epoch) == (1, 1, 3, 0)


def test_clock_that_goes_back_for_good_empties_the_ring_and_its_frames_are_kept():
    slot = slot_of(*(10 * SECOND + i for i in range(5)))
    slot.put("", 5 * SECOND, 1)
    slot.put("", 5 * SECOND + 1, 1)
    assert slot.find(0).epoch == 0
    slot.put("", 5 * SECOND + 2, 1)
    assert stamps(slot) == [5 * SECOND, 5 * SECOND + 1, 5 * SECOND + 2]
    assert (slot.find(0).epoch, slot.misfits) == (1, 0)
    for i in range(3):  # each of them, for nobody else was late
        assert slot.wait(0).stamp == 5 * SECOND + i
        slot.use(slot.wait(0))
    assert slot.wait(0) is None
    assert slot.dropped == 5


def test_frame_that_somebody_names_is_believed():
    slot = slot_of(*(10 * SECOND + i for i in range(5)))
    slot.put("odd", 3600 * SECOND, 1)
    assert slot.find(3600 * SECOND) is None
    assert slot.find(3600 * SECOND + 1, vouched=True) is None
    assert slot.find(3600 * SECOND, vouched=True).message == "odd"
    assert slot.put("next", 3600 * SECOND + 30, 1).accepted
    assert (stamps(slot), slot.misfits) == ([3600 * SECOND, 3600 * SECOND + 30], 0)


def test_stamps_that_were_believed_and_then_denied_are_taken_out_of_the_ring(monkeypatch):
    now = iter(range(100))  # a camera of 30 frames/s that is played fast
    monkeypatch.setattr(frame_slot.time, "monotonic", lambda: next(now) / 1000)
    slot = slot_of(*(10 * SECOND + i * SECOND // 30 for i in range(5)))
    slot.put("wrong", 10 * SECOND + 20 * SECOND // 30, 1)
    slot.put("right", 10 * SECOND + 6 * SECOND // 30, 1)
    assert stamps(slot)[-2:] == [10 * SECOND + i * SECOND // 30 for i in (4, 6)]
    assert (slot.misfits, slot.find(0).message, slot.find(0).epoch) == (1, "right", 0)


@given(st.lists(st.tuples(st.integers(0, 20 * SECOND), st.integers(0, 200 * 2**20))))
def test_ring_is_bounded_and_in_order_for_any_stream(arrivals):
    slot = FrameSlot(2.0, 0.5)
    for stamp, size in arrivals:
        slot.put(size, stamp, size)
        frames = slot.after(0)
        assert [f.stamp for f in frames] == sorted(f.stamp for f in frames)
        assert frames[-1].stamp - frames[0].stamp <= 2 * SECOND
        assert len(frames) == 1 or sum(f.message for f in frames) <= frame_slot.MAX_BYTES
        assert len({f.epoch for f in frames}) == 1
