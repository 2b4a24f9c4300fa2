"""A worker that is turned by the test, and what it is asked."""

import itertools

from tracker_ros.conversions.images import bgr_to_image
from tracker_ros.conversions.stamps import ns_to_stamp
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.runtime.frame_slot import FrameSlot
from tracker_ros.runtime.requests import Detection, Policy, Proposal, Start
from tracker_ros.runtime.worker import Worker
from tracker_ros.sources.bag.typestore import bag_message as make

from ..conftest import STEP, Recorder


class Stage:
    """A worker that is turned by the test, frame by frame."""

    def __init__(self, tracker, party, **policy):
        self.slot, self.sink = FrameSlot(history=10.0, time_jump=0.5), Recorder()
        self.worker = Worker(tracker, self.slot, self.sink, itertools.count(1), Policy(**policy))
        self.party = party
        self.index = -1
        self.stamp_of = lambda index: (index + 1) * STEP

    def show(self, image=None, track=True):
        """The next frame, and its answer."""
        self.index += 1
        stamp = self.stamp_of(self.index)
        image = self.party.frame(self.index) if image is None else image
        header = make("std_msgs/msg/Header", stamp=ns_to_stamp(stamp, make))
        message = bgr_to_image(image, header, make)
        self.slot.put(message, stamp, len(message.data))
        if not track:
            return None
        self.worker.turn()
        return self.sink.answers[-1]

    def ask(self, request):
        """Serve a request with the frames that are there; the last answer."""
        self.worker.request(request)
        self.worker.turn()
        return self.sink.answers[-1] if self.sink.answers else None

    def start(self, who: int, **values) -> Start:
        index = values.pop("index", self.index)
        return Start(self.party.box(who, index), (index + 1) * STEP, **values)

    def problems(self, subject: str) -> list[str]:
        return [text for about, text in self.sink.problems if about == subject and text]

    def agree(self, answer, whose: dict[str, int], index=None):
        """Whether each id lies on its picture."""
        index = self.index if index is None else index
        boxes = {one.target.id: one.box for one in answer.targets if one.box}
        return boxes.keys() == whose.keys() and all(
            overlap(box, self.party.box(whose[one], index)) > 0.5 for one, box in boxes.items()
        )


DETECTOR = {"max_targets": 3, "auto_init_new": True}


def seen(stage, *whose, shift=0.0, kind="thing"):
    boxes = [stage.party.box(who, stage.index) for who in whose]
    found = tuple(Detection((x + shift, y, w, h), kind) for x, y, w, h in boxes)
    return Proposal(found, (stage.index + 1) * STEP)
