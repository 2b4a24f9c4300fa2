"""All that is learned online about one target: where it is, whether it is there, its scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..geometry.boxes import Box
from ..geometry.peaks import highest
from .classifier import Classifier
from .scale import ScaleRegression, region

CHANNELS = 64  # principal components of the features
# Of the logistic function of a response, fitted on windows with and without the target, of the
# development sequences (docs/search.md).
RESPONSE_MIDPOINT, RESPONSE_SLOPE = 0.4, 30.0


class Taught(NamedTuple):
    """What crops with known boxes teach about the target's place."""

    components: np.ndarray
    classifier: Classifier

    def compact(self, features: np.ndarray) -> np.ndarray:
        """Features [C, n, n] → the D components that matter, float32 [D, n, n]."""
        flat = self.components @ features.reshape(len(features), -1)
        return flat.reshape(-1, *features.shape[1:])


def taught(features: np.ndarray, boxes: Sequence[Box], stride: int) -> Taught:
    """Learned from crops' features, float32 [V, C, n, n], and boxes, x, y, w, h in their pixels."""
    views, channels, cells, _ = features.shape
    flat = features.reshape(views, channels, -1)
    # The principal components of what is seen around the target, of level 1 in the mean.
    values, vectors = np.linalg.eigh(np.einsum("vcp,vdp->cd", flat, flat))
    level = math.sqrt(max(values[::-1][:CHANNELS].mean() / (views * cells**2), 1e-12))
    components = np.ascontiguousarray(vectors[:, ::-1][:, :CHANNELS].T / level, np.float32)
    compact = (components @ flat).reshape(views, -1, cells, cells)
    centres = [_centre(box, stride, cells) for box in boxes]
    return Taught(components, Classifier.start(compact, centres))


@dataclass(frozen=True, eq=False)
class OnlineModel:
    """Tells this target from everything else. It is immutable: learning returns a new one.

    Features are float32 [C, n, n] of a crop in which the target has the side ``target`` if its last
    box is right. ``compact`` reduces them to [D, n, n], which the other methods take.

    Attributes:
        place, scale: what is learned of the target's place and scale.
        stride: crop pixels for one cell. target: crop pixels.
    """

    place: Taught
    scale: ScaleRegression
    stride: int
    target: float

    @classmethod
    def start(
        cls, features: np.ndarray, boxes: Sequence[Box], places: int, stride: int, target: float
    ) -> OnlineModel:
        """A model learned from views of the first frame.

        Args:
            features: float32 [V, C, n, n]. boxes: of the target in each, x, y, w, h, crop pixels.
            places: so many views, from the first one, teach where the target is. The first view
                and all views after these teach its scale.
        """
        place = taught(features[:places], boxes[:places], stride)
        chosen = [0, *range(places, len(features))]
        cells = features.shape[-1]
        scale = ScaleRegression.start(
            np.stack(
                [
                    region(place.compact(features[i]), *_centre(boxes[i], stride, cells))
                    for i in chosen
                ]
            ),
            [_scale(boxes[i], target) for i in chosen],
        )
        return cls(place, scale, stride, target)

    def compact(self, features: np.ndarray) -> np.ndarray:
        """[C, n, n] → the D components that matter, float32 [D, n, n]."""
        return self.place.compact(features)

    def respond(self, compact: np.ndarray) -> np.ndarray:
        """Where the target is: float32 [n, n], near 1 where it is as it was learned."""
        return self.place.classifier.respond(compact)

    def measure(self, compact: np.ndarray, response: np.ndarray) -> float:
        """Logarithm of the scale of what is at the response's peak, relative to ``target``."""
        cells = response.shape[-1]
        x, y = highest(response)
        return self.scale(region(compact, x + 0.5 - cells / 2, y + 0.5 - cells / 2))

    def learn(self, seen: Sequence[tuple[np.ndarray, Box]], rate: float) -> OnlineModel:
        """Learn from one frame: compact crops, and the target's box in each.

        The first crop teaches the place. Several crops, of different scales, all teach the scale. A
        single crop teaches no scale, because the scale regression itself measured it.
        """
        compact, box = seen[0]
        cells = compact.shape[-1]
        centre = _centre(box, self.stride, cells)
        classifier = self.place.classifier.learn(compact, centre, rate)
        learned = replace(self, place=self.place._replace(classifier=classifier))
        if len(seen) == 1:
            return learned
        views = [region(each, *_centre(one, self.stride, cells)) for each, one in seen]
        scale = self.scale.learn(views, [_scale(one, self.target) for _, one in seen])
        return replace(learned, scale=scale)


def _centre(box: Box, stride: int, cells: int) -> tuple[float, float]:
    """The box's centre, in cells from the middle of the grid."""
    x, y, w, h = box
    return (x + w / 2) / stride - cells / 2, (y + h / 2) / stride - cells / 2


def _scale(box: Box, target: float) -> float:
    return math.log(max(math.sqrt(box[2] * box[3]), 1e-3) / target)


def presence(response: np.ndarray | float, odds: float = 0.0) -> np.ndarray:
    """How likely the target is at a place, given the response there: float32 in [0, 1].

    ``odds``: logarithm of what else speaks for it.
    """
    against = -RESPONSE_SLOPE * (response - RESPONSE_MIDPOINT) - odds
    return np.float32(1) / (1 + np.exp(against)).astype(np.float32)
