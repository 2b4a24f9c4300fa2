"""Configuration of a tracker, stored with its weights: how it looks at images and keeps state."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

from .errors import ModelError

# Names of engines and precisions; here, so that help texts load no engine.
ENGINES = ("auto", "torch", "onnx", "tensorrt")
PRECISIONS = ("fp32", "bf16", "fp16")


# The most that a value may be: shares are parts of one, the others far above what makes sense. A
# score has no limit: beyond 1 it is never reached, which may be meant.
SHARES = (
    *("memory_blend", "filter_rate", "scale_rate", "refine_place", "refine_scale", "refine_shape"),
    *("refine_network", "opinion_place", "scale_step", "window_influence", "size_trust"),
)
MOST = {
    **dict.fromkeys(SHARES, 1.0),
    **{"query_size": 4096, "memory_size": 4096, "stride": 64, "search_factor": 100.0},
    **{"memory_capacity": 1024, "memory_segments": 1024},
    **{"motion": 10.0, "penalty": 100.0, "size_rate": 10.0, "minimum_side": 1000.0},
}

# Settings of older weights that are no longer there, at the only value with which they did nothing.
RETIRED = [("calibration", 0.0)]


@dataclass(frozen=True)
class TrackingConfig:
    """Geometry and inference policy of a tracker; the values belong to the weights.

    Geometry: a window of ``factor``·√(w·h) image pixels around the box becomes a square crop.
    ``memory_factor`` follows from the other three, so that memory and query share a pixel scale.
    """

    query_size: int = 160  # side of the query crop, pixels
    memory_size: int = 112  # side of a memory crop, pixels
    search_factor: float = 3.6  # side of the search window in units of sqrt(w * h)
    stride: int = 8  # crop pixels for one cell of the maps

    memory_capacity: int = 16  # spread frames kept (bounded for any video length)
    memory_segments: int = 4  # spread frames read for one query, besides first and last
    memory_score: float = 0.5  # a frame is memorised only at this score or above ...
    memory_interval: int = 1  # ... and only so many frames after the one before it
    memory_blend: float = 0.0  # 0: by the score; 1: by what cells are ranked by, window and all
    last_score: float = 0.0  # the frame memorised last is read at this (blended) score or above

    filter_rate: float = 0.1  # weight of a memorised frame in what is learned online
    scale_rate: float = 0.3  # share of the scale that is measured online
    opinion_place: float = 0.0  # weight of the network's score beside what is learned online
    refine_place: float = 0.0  # share of what a network corrects in the centre, ...
    refine_scale: float = 0.0  # ... in the scale
    refine_shape: float = 0.0  # ... and in the proportions
    refine_network: float = 0.5  # share of the network's own box in a refined one
    scale_step: float = 0.0  # frames to memorise are looked at this much larger or smaller, too

    motion: float = 0.0  # share of the last velocity by which the next window is ahead
    aside_score: float = 0.0  # below: windows beside the one at the target are looked at, too

    window_influence: float = 0.25  # share of the cosine window in the ranking of cells
    penalty: float = 0.06  # strength of the scale and ratio change penalty
    size_rate: float = 0.6  # share of the new size in the smoothed size ...
    size_trust: float = 0.5  # ... and how much of that share goes with the score
    minimum_side: float = 4.0  # of a box, image pixels

    tracking_score: float = 0.45  # at or above: TRACKING
    lost_score: float = 0.25  # below, for lost_after frames: LOST, and looked for elsewhere
    lost_after: int = 10  # consecutive frames
    recover_score: float = 0.55  # a lost target is found again at or above this ...
    recover_after: int = 2  # ... for this many consecutive frames

    def __post_init__(self) -> None:
        for field in fields(self):
            value, whole = getattr(self, field.name), isinstance(field.default, int)
            number = isinstance(value, int if whole else int | float)
            if not number or isinstance(value, bool) or not whole <= value < math.inf:
                raise ModelError(
                    f"tracking config: {field.name} is {value!r}, "
                    f"not a {'positive whole number' if whole else 'number from 0'}"
                )
            if value > MOST.get(field.name, math.inf):
                raise ModelError(
                    f"tracking config: {field.name} is {value!r}, more than {MOST[field.name]:g}"
                )
        if self.search_factor < 1:
            raise ModelError(
                f"tracking config: search_factor is {self.search_factor!r}, but a window smaller"
                " than its target shows nothing"
            )

    @property
    def memory_factor(self) -> float:
        """Side of the memory window in units of √(w·h)."""
        return self.search_factor * self.memory_size / self.query_size

    @property
    def target_side(self) -> float:
        """The side √(w·h) of the target in a query crop, pixels, if its box is right."""
        return self.query_size / self.search_factor

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> TrackingConfig:
        """Inverse of ``to_dict``. Raises ModelError for an unknown name."""
        values = dict(one for one in values.items() if one not in RETIRED)
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ModelError(f"tracking config: unknown value {sorted(unknown)[0]!r}")
        return cls(**values)
