"""Messages that are wrong at random, for every input of tracker and follow node.

``Wrong`` makes messages that must be named; ``mutated`` changes any fields at random, which may
leave a message in order, and which a node must only survive.
"""

import array
import copy
import math
import random
from collections.abc import Callable

FIELDS = "get_fields_and_field_types"  # what messages have, and numbers have not
NOT_NUMBERS = (math.nan, math.inf, -math.inf)
HOSTILE = {
    "float": (*NOT_NUMBERS, 0.0, -0.0, -1.0, 1e-30, 1e30, 0.5),
    "double": (*NOT_NUMBERS, 0.0, -0.0, -1.0, 5e-324, 1e308, 0.5),
    "boolean": (False, True),
    "string": ("", "\0", "é" * 300, "../../x y\n", "1", "camera"),
}


class Wrong:
    """Makes wrong messages of good ones, for the inputs that ``kinds`` names; each call another.

    Args:
        chance: what the messages are drawn with.
    """

    def __init__(self, chance: random.Random):
        self._chance = chance
        self.kinds: dict[str, Callable] = {
            "image": self._image,
            "init_target": self._box,
            "init_targets": self._boxes,
            "remove_target": self._removal,
            "detections": self._detections,
            "boxes": self._followed,
            "depth": self._image,
            "camera_info": self._camera_info,
            "points": self._points,
        }

    def make(self, kind: str, good):
        """A wrong message like ``good``, for the input ``kind``."""
        message = copy.deepcopy(good)
        self.kinds[kind](message)
        return message

    def _image(self, message) -> None:
        chance, whole = self._chance, message.height * message.step
        kind = chance.randrange(7)
        if kind == 0:
            message.encoding = "".join(chance.choices("abgr816UC_", k=chance.randrange(9)))
        elif kind == 1:
            message.width = chance.choice((0, 1 << 20, 2**32 - 1))
        elif kind == 2:
            message.height = chance.choice((0, message.height + 1, 2**32 - 1))
        elif kind == 3:
            message.step = chance.randrange(message.step)
        elif kind == 4:
            message.data = array.array("B", bytes(chance.randrange(whole)))
        elif kind == 5:
            message.data = array.array("B")
        else:
            message.encoding, message.step = "rgba16", chance.randrange(2**32)

    def _box(self, message) -> None:
        chance, box = self._chance, message.bbox
        kind = chance.randrange(7)
        if kind < 2:
            place = chance.choice((*NOT_NUMBERS, 1e300, -1e6, 1e6))
            setattr(box.center.position, "xy"[kind], place)
        elif kind < 4:
            size = chance.choice((*NOT_NUMBERS, 0.0, -5e-324, -chance.random()))
            setattr(box, ("size_x", "size_y")[kind - 2], size)
        elif kind == 4:
            box.center.theta = chance.choice((*NOT_NUMBERS, chance.uniform(0.1, 3.0)))
        elif kind == 5:
            message.header.frame_id = chance.choice(("map", "camera2", " camera"))
        else:  # an hour ago, or at a time that never was
            message.header.stamp.sec = chance.choice((message.header.stamp.sec - 3600, 1, -(2**31)))

    def _boxes(self, message) -> None:
        if self._chance.random() < 0.2:
            message.detections[0].id = "twice"
            message.detections.append(message.detections[0])
        else:
            self._box(message.detections[0])

    def _followed(self, message) -> None:
        self._boxes(message)
        message.header = message.detections[0].header  # the array's counts

    def _removal(self, message) -> None:
        message.id = "".join(self._chance.choices("xyz\0é ", k=self._chance.randrange(1, 9)))

    def _detections(self, message) -> None:
        if self._chance.random() < 0.3:
            message.detections[0].results = []
        elif self._chance.random() < 0.3:
            score = self._chance.choice(NOT_NUMBERS)
            message.detections[0].results[0].hypothesis.score = score
        else:
            self._box(message.detections[0])
            message.header = message.detections[0].header

    def _camera_info(self, message) -> None:
        chance = self._chance
        if chance.random() < 0.7:
            matrix = list(message.k)
            matrix[chance.choice((0, 4))] = chance.choice((*NOT_NUMBERS, 0.0, -1.0, -5e-324))
            if chance.random() < 0.3:
                matrix[chance.choice((2, 5))] = chance.choice(NOT_NUMBERS)
            message.k = matrix
        else:
            message.width = chance.choice((0, 2**32 - 1, 1 << 20))

    def _points(self, message) -> None:
        chance = self._chance
        kind = chance.randrange(7)
        if kind == 0:
            message.fields = message.fields[: chance.randrange(3)]
        elif kind == 1:
            message.fields[chance.randrange(3)].datatype = chance.choice((0, 1, 2, 6, 9, 255))
        elif kind == 2:
            field = message.fields[chance.randrange(3)]
            field.offset = chance.randrange(message.point_step - 3, 2**32)
        elif kind == 3:
            message.width = chance.choice((0, message.width + 1, 2**32 - 1))
        elif kind == 4:
            message.height = chance.choice((0, 1, message.height + 1, 2**32 - 1))
        elif kind == 5:
            message.row_step = chance.randrange(message.row_step)
        else:
            message.data = message.data[: chance.randrange(len(message.data))]


def mutated(good, chance: random.Random):
    """A copy of a message in which one to four fields, at any depth, have other values."""
    message = copy.deepcopy(good)
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = message
        while True:
            name, kind = chance.choice(sorted(place.get_fields_and_field_types().items()))
            value = getattr(place, name)
            if isinstance(value, list) and value and hasattr(value[0], FIELDS):
                if chance.random() < 0.2:
                    setattr(place, name, value * chance.randrange(3))
                    break
                value = chance.choice(value)
            if not hasattr(value, FIELDS):
                _set(place, name, kind, value, chance)
                break
            place = value
    return message


def _set(message, name: str, kind: str, value, chance: random.Random) -> None:
    base = kind.removeprefix("sequence<").rstrip(">").split("[")[0]
    hostile = HOSTILE.get(base) or _integers(base)
    if kind == base:
        new = chance.choice(hostile)
    elif "[" in kind:
        new = list(value)
        new[chance.randrange(len(new))] = chance.choice(hostile)
    elif base == "uint8":
        new = array.array("B", bytes(value)[: chance.randrange(len(value) + 1)])
    else:  # a list of numbers, or one of messages that is empty
        new = [chance.choice(hostile) for _ in range(chance.randrange(20))] if hostile else []
    setattr(message, name, new)


def _integers(kind: str) -> tuple[int, ...]:
    if not kind.startswith(("int", "uint")):
        return ()
    bits = int(kind.lstrip("uint"))
    low, high = (0, 2**bits - 1) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (low, high, 0, 1, high // 2, 7)
