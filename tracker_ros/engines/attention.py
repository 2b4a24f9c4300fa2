"""Attention of a query over the memorised frames: STMTrack's and USTAM's figures, for any clip.

Computed by torch from the pictures that a ``WatchedEngine`` kept, whatever engine tracks.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.config import TrackingConfig
from ..core.errors import ModelError
from ..core.geometry.boxes import Box
from ..core.geometry.decode import Prediction
from ..core.geometry.peaks import highest
from ..networks.architectures.stif import Stif, T, time_shares
from ..networks.architectures.ustam import Ustam
from ..networks.build import steps
from .models.files import find_model
from .models.store import load_network
from .watched import Picture, WatchedState


@dataclass(frozen=True)
class Glance:
    """How much the target's cells of a query attend to one memorised picture.

    ``share``: its part of their whole attention; ``heat``: float32 [h, w], that part for each cell
    of the picture, with the sum ``share``.
    """

    picture: Picture
    heat: np.ndarray

    @property
    def share(self) -> float:
        return float(self.heat.sum())


@dataclass(frozen=True)
class Explanation:
    """Why a box is where it is.

    Attributes:
        query: the query crop, uint8 [Q, Q, 3] BGR. box: the target in it, x, y, w, h, pixels.
        response: float32 [h, w], the score of each cell. glances: one for each picture that could
            be read; empty for Siamese networks, which read none (their ``pictures`` are templates).
        elsewhere: the share of the attention that goes to the query itself (USTAM).
    """

    query: np.ndarray
    box: Box
    response: np.ndarray
    pictures: tuple[Picture, ...]
    glances: tuple[Glance, ...]
    elsewhere: float = 0.0


class Explainer:
    """Explains a ``WatchedState``; has a network of its own, on the CPU.

    Raises ModelError where the model has no weights for torch.
    """

    def __init__(self, model: str | Path):
        files = find_model(model)
        if not files.has_weights:
            raise ModelError(f"attention is computed by torch: {files.weights} does not exist")
        # Each architecture has methods of its own.
        self.network: Any
        self.network, self.facts = load_network(files.weights)
        tracking = TrackingConfig.from_dict(self.facts["tracking"])
        self._steps = steps(self.network, tracking)
        self._side = tracking.target_side

    @torch.inference_mode()
    def explain(self, state: WatchedState, box: Box | None = None) -> Explanation:
        """What the last query of a state attended to.

        Args:
            box: the target in the query crop, x, y, w, h in its pixels; None: the likeliest box.
        """
        network, pictures = self.network, state.seen
        assert state.prediction is not None and state.query is not None
        if box is None:
            box = _likeliest(state.prediction, network, self._side)
        query = torch.from_numpy(np.ascontiguousarray(state.query))[None]
        heats: list[Tensor] = []
        elsewhere = 0.0
        if isinstance(network, Stif):
            pictures = _last(pictures)
            heats = self._fused(network, query, pictures, box)
        elif isinstance(network, Ustam):
            pictures = (pictures[0], pictures[-1])
            heats, elsewhere = self._mixed(network, query, pictures, box, state.before)
        elif hasattr(network, "look"):
            heats = self._read(query, pictures, box)
        glances = tuple(
            Glance(picture, heat.float().numpy())
            for picture, heat in zip(pictures, heats, strict=bool(heats))
        )
        return Explanation(state.query, box, state.prediction.score, pictures, glances, elsewhere)

    def _read(self, query: Tensor, pictures: tuple[Picture, ...], box: Box) -> list[Tensor]:
        """Memory networks: shares of all memory cells."""
        memory = [self._encode(picture) for picture in pictures]
        shares = self.network.look(query, torch.cat(memory, 1))
        cells = target_cells(shares.shape[1], query.shape[1], box)
        return [_square(part) for part in shares[0, cells].mean(0).chunk(len(pictures))]

    def _encode(self, picture: Picture) -> Tensor:
        """The memory tokens [1, m, C] of a picture, by the steps that the engine runs."""
        crop, box = _tensors(picture)
        given = {"crop": crop, "box": box, "score": torch.tensor([picture.score])}
        last = self._steps.get("learn") or self._steps["remember"]
        if "trunk" in self._steps:
            trunk = self._steps["trunk"]
            given |= zip(trunk.outputs, trunk.module(crop), strict=True)
        return last.module(*(given[name] for name in last.inputs))[0]

    def _fused(
        self, network: Stif, query: Tensor, pictures: tuple[Picture, ...], box: Box
    ) -> list[Tensor]:
        """STIF: shares of the memory's cells, each shared out among the frames it is made of."""
        first, *recent = (network.features(*_tensors(picture)) for picture in pictures)
        stack = torch.stack(recent, 1)
        memory = network.remember(first, stack)
        shares = network.look(query, memory)
        cells = target_cells(shares.shape[1], query.shape[1], box)
        heat = _square(shares[0, cells].mean(0))
        of = time_shares(first, stack)[0, :, 0]  # [T, h, w]
        return [torch.zeros_like(heat), *(heat * of)]

    def _mixed(
        self, network: Ustam, query: Tensor, pictures: tuple[Picture, ...], box: Box, before
    ) -> tuple[list[Tensor], float]:
        """USTAM: the last block's map, mean of the heads; what is left looks at the query."""
        crops = torch.stack([_tensors(picture)[0][0] for picture in pictures])[None]
        past = torch.from_numpy(np.asarray(before.arrays["past"])).float()
        seen = network.look(query, network.remember(crops), past).mean(1)[0]  # [n, m + n]
        row = seen[target_cells(len(seen), query.shape[1], box)].mean(0)
        # Emphasised rows need not sum to 1: shares of what they sum to.
        row = row.clamp_min(0) / row.clamp_min(0).sum()
        templates, search = row.split([len(row) - len(seen), len(seen)])
        return [_square(part) for part in templates.chunk(len(pictures))], float(search.sum())


def _last(pictures: tuple[Picture, ...]) -> tuple[Picture, ...]:
    """The first picture and the last T; where there are fewer, the first one in their place."""
    recent = pictures[1:][-T:]
    return (pictures[0], *[pictures[0]] * (T - len(recent)), *recent)


def _tensors(picture: Picture) -> tuple[Tensor, Tensor]:
    crop = torch.from_numpy(np.ascontiguousarray(picture.crop))[None]
    return crop, torch.tensor([picture.box], dtype=torch.float32)


def _square(cells: Tensor) -> Tensor:
    side = round(len(cells) ** 0.5)
    return cells.view(side, side)


def target_cells(count: int, size: int, box: Box) -> Tensor:
    """Which of ``count`` cells of a square map of a crop have their centre in the box: bool.

    If there is none, the nearest cell. The map is taken to be centred in the crop; the cells of
    Inception-v3, whose outermost cells are cut off, are 8 pixels wide.
    """
    side = round(count**0.5)
    stride = min(size / side, 8.0 if size / side < 16 else 16.0)
    centres = size / 2 + (torch.arange(side) - (side - 1) / 2) * stride
    x, y, w, h = box
    spans = ((x, w), (y, h))
    across, down = ((centres - start - length / 2).abs() / length for start, length in spans)
    away = torch.maximum(across[None], down[:, None]).flatten()
    inside = away <= 0.5
    return inside if inside.any() else away == away.min()


def _likeliest(prediction: Prediction, network: Any, side: float) -> Box:
    """The box of the cell with the highest score.

    What is learned online has no boxes, and its scores may be 1 in several cells: then a square of
    ``side`` pixels around the peak of its response.
    """
    if prediction.boxes is None:
        assert prediction.response is not None
        x, y = ((place + 0.5) * network.stride for place in highest(prediction.response))
        return x - side / 2, y - side / 2, side, side
    row, column = divmod(int(prediction.score.argmax()), prediction.score.shape[1])
    left, top, right, bottom = prediction.boxes[:, row, column].tolist()
    return left, top, right - left, bottom - top
