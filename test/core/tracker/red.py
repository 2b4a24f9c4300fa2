"""An engine that sees a red square: redness is the score, the outline the box."""

from dataclasses import replace

import numpy as np

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.gate import Gate
from tracker_ros.core.geometry.decode import Prediction

CONFIG = TrackingConfig(
    query_size=64,
    memory_size=48,
    search_factor=4.0,
    window_influence=0,
    penalty=0,
    size_rate=1,
    tracking_score=0.45,
    memory_score=0.7,
    lost_score=0.25,
    lost_after=3,
    recover_score=0.55,
    recover_after=2,
)
GOOD, BOX = 0.9, (60, 40, 20, 20)


def frame(box=BOX, score=GOOD, size=(120, 160)):
    """A grey picture with a square that is as red as its score."""
    image = np.full((*size, 3), 20, np.uint8)
    x, y, w, h = box
    image[y : y + h, x : x + w] = (0, 0, 100 + round(100 * score))
    return image


class RedEngine:
    """States are tuples of what was remembered; `log` tells the order of the steps."""

    facts, provider = {}, "test"
    responds = reuses = False

    def __init__(self, tracking=CONFIG):
        self.tracking = tracking
        self.log = []
        self.answer = None

    def each(self, work, items):
        return [work(item) for item in items]

    def start(self, crop, box):
        self.log.append(("start", crop.copy(), box))
        return ((crop, box),)

    def locate(self, crop, state, other=None):
        self.log.append(("locate", crop.copy()))
        if self.answer is not None:
            return self.answer, state
        cells = self.tracking.query_size // self.tracking.stride
        score = np.zeros((cells, cells), np.float32)
        boxes = np.tile(np.float32([10, 10, 20, 20])[:, None, None], (1, cells, cells))
        brightest = crop[:, :, 2].max()
        if brightest >= 90:
            red = crop[:, :, 2] > (20 + int(brightest)) / 2
            rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
            box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            boxes[:] = np.float32(box)[:, None, None]
            row, column = (rows.mean() // 8).astype(int), (columns.mean() // 8).astype(int)
            score[row, column] = (np.median(crop[:, :, 2][red]) - 100) / 100
        return Prediction(score, boxes), state

    def locate_all(self, queries):
        return [self.locate(*one) for one in queries]

    def remember_all(self, examples):
        return [self.remember(*one) for one in examples]

    def remember(self, crop, box, score, state):
        self.log.append(("remember", None if crop is None else crop.copy(), box, score))
        return (*state, (crop, box))

    def gate(self, state):
        return Gate((0.0, 1.0, 0.0, 0.0), "se") if len(state) > 1 else None

    def remembered(self, state):
        return len(state)

    @property
    def steps(self):
        return [step for step, *_ in self.log]


class MeasuringEngine(RedEngine):
    """Its response is highest where the square has the side that it was learned with."""

    responds = True

    def start(self, crop, box, views=()):
        self.views = views
        return super().start(crop, box)

    def locate(self, crop, state, other=None):
        prediction, state = super().locate(crop, state)
        seen = replace(prediction, response=self.answer_to(prediction))
        if other is not None:
            seen = replace(seen, other=self.answer_to(super().locate(other.crop, state)[0]))
        return seen, state

    def answer_to(self, prediction):
        left, _, right, _ = prediction.boxes[:, 0, 0]
        wanted = self.tracking.target_side
        likeness = np.exp(-abs(np.log(max(right - left, 1) / wanted)))
        return prediction.score / prediction.score.max() * likeness
