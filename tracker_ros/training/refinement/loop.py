"""The training of a refiner: losses, validation on held-out clips, checkpoints, a log."""

import math
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...networks.blocks.refiner import BoxRefiner
from ..course import Course
from ..ranks import Ranks
from ..records.log import TrainingLog
from ..samples.batches import load_batches
from .config import RefinerConfig
from .pairs import Pairs, make_pairs
from .samples import RefinerSample, RefinerSamples

WEIGHTS = (0.5, 0.5, 1.0, 1.0)  # of the loss of x, y, width and height
LEAST_RATE = 1e-6
HIDDEN = 0.8  # cover from which on a box cannot be told
SEEN = 0.6  # cover up to which the target is there; beyond, only without it it is not

See = Callable[[Tensor], tuple[Tensor, Tensor]]  # uint8 [B, S, S, 3] → what a refiner embeds


def laplace_loss(box: Tensor, spread: Tensor, truth: Tensor) -> Tensor:
    """Negative logarithm of the Laplace density of the truth, without its constant: a scalar.

    Args:
        box: [B, 4], answers. spread: [B, 4], logarithms of the spreads. truth: [B, 4].
    """
    terms = (box - truth).abs() * torch.exp(-spread) + spread
    return (terms * terms.new_tensor(WEIGHTS)).sum(1).mean()


def presence_loss(present: Tensor, cover: Tensor) -> Tensor:
    """Binary cross-entropy; both sides count alike. ``present``: logits [B]. ``cover``: [B]."""
    sides = [present[cover >= 1], -present[cover <= SEEN]]
    return sum(F.softplus(side).mean() for side in sides if len(side)) / 2


class RefinerTrainer(Course):
    """Trains a refiner; ``run`` continues from ``out``/last.pt if it is there.

    Args:
        samples: what it learns from. held: what it is validated on.
        see: the frozen trunk. refiner: to be trained; on the CPU. side: cells along a
            target of the scale that crops are made for.
        out: folder of ``last.pt``, ``log.csv``, ``validation.csv``.
        config: see ``RefinerConfig``. identity: as of ``Course``.
    Attributes:
        refiner: the network. scores: of the last validation.
    Raises:
        SourceError: samples cannot be drawn; else as ``Course``.
    """

    modules = ("refiner", "optimiser")
    values = ("step", "elapsed", "scores")

    def __init__(
        self,
        samples: RefinerSamples,
        held: RefinerSamples,
        see: See,
        refiner: BoxRefiner,
        side: float,
        out: str | Path,
        config: RefinerConfig,
        identity: dict,
    ):
        super().__init__(out, config, Ranks())
        self.samples, self.see, self.side, self.identity = samples, see, side, identity
        self.refiner = refiner.to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.refiner.parameters(), config.rate, weight_decay=config.weight_decay
        )
        self.scores: dict[str, float] = {}
        self.resume()
        self._held = [self._observed(together(part)) for part in _parts(held, config.batch)]

    def batches(self) -> Generator[Sequence[Tensor], None, None]:
        return load_batches(self.samples, self.config, self.ranks, self.step, together)

    @property
    def replaced(self) -> int:
        return self.samples.replaced

    @torch.no_grad()
    def _observed(
        self, batch: Sequence[Tensor], mirrored: bool = False
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """A batch of samples through the trunk: what is observed, truths, covers.

        ``mirrored``: with left and right exchanged.
        """
        crops, truths, covers = (part.to(self.device, non_blocking=True) for part in batch)
        if mirrored:
            crops = crops.flip(3)
        seen = [part.unflatten(0, crops.shape[:2]) for part in self.see(crops.flatten(0, 1))]
        if mirrored:
            truths = torch.cat([seen[0].shape[-1] - truths[..., :1], truths[..., 1:]], -1)
        return seen, truths, covers

    def _embedded(self, seen: Sequence[Tensor]) -> Tensor:
        """What the refiner makes of what was observed: [B, 2 + QUERIES, W, n, n]."""
        looks = seen[0].shape[:2]
        return self.refiner.embedded(*(part.flatten(0, 1) for part in seen)).unflatten(0, looks)

    def _pairs(self, embedded: Tensor, truths: Tensor, covers: Tensor, seed: int) -> Pairs:
        chance = torch.Generator().manual_seed(seed)
        return make_pairs(embedded, truths, covers, self.side, chance)

    def train_step(self, batch: Sequence[Tensor]) -> dict[str, float]:
        config, rng = self.config, np.random.default_rng((self.config.seed, self.step))
        seen, truths, covers = self._observed(batch, mirrored=rng.random() < 0.5)
        if rng.random() < 0.5:
            torch.manual_seed(int(rng.integers(2**62)))
            for part in seen:
                part[:, 0] += torch.randn_like(part[:, 0]) * config.noise
        self.refiner.train()
        embedded = self._embedded(seen)
        parts = [
            self._losses(self._pairs(embedded, truths, covers, int(rng.integers(2**62))))
            for _ in range(config.places)
        ]
        terms = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
        total = terms["box"] + config.present * terms["present"]
        rate = cosine_rate(self.step, self.progress, config)
        return self.update(self.refiner, {"total": total, **terms}, rate)

    def _losses(self, pairs: Pairs) -> dict[str, Tensor]:
        box, spread, present = self.refiner(pairs.reference, pairs.shape, pairs.region, self.side)
        seen = pairs.cover < HIDDEN
        return {
            "box": laplace_loss(box[seen], spread[seen], pairs.truth[seen]),
            "present": presence_loss(present, pairs.cover),
        }

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Scores on the held-out clips.

        ``centre``: mean error of x and y in cells, ``centre_before`` without the refiner; ``size``
        and ``proportion``: mean errors of the log side and the log proportion, ``…_before`` those
        of the first frame's; ``size_hidden``: where a part is covered; ``told``: how often what is
        there is said to be so more surely than what is not (area under the ROC curve).
        """
        self.refiner.eval()
        columns = []
        for index, (seen, truths, covers) in enumerate(self._held):
            pairs = self._pairs(self._embedded(seen), truths, covers, index)
            box, _, present = self.refiner(pairs.reference, pairs.shape, pairs.region, self.side)
            before = torch.cat([torch.zeros_like(pairs.shape), pairs.shape], 1)
            parts = (box - pairs.truth, before - pairs.truth, present, pairs.cover)
            columns.append([part.cpu() for part in parts])
        after, before, present, cover = (torch.cat(parts) for parts in zip(*columns, strict=True))
        scores = {}
        for name, error in (("", after[cover == 0]), ("_before", before[cover == 0])):
            x, y, w, h = error.unbind(1)
            scores["centre" + name] = (x.abs() + y.abs()).mean().item() / 2
            scores["size" + name] = (w + h).abs().mean().item() / 2
            scores["proportion" + name] = (w - h).abs().mean().item() / 2
        hidden = (cover > 0.2) & (cover < HIDDEN)
        scores["size_hidden"] = after[hidden, 2:].sum(1).abs().mean().item() / 2
        there, rest = present[cover <= SEEN], present[cover >= 1].sort().values
        below, upto = (torch.searchsorted(rest, there, right=right) for right in (False, True))
        scores["told"] = ((below + upto) / (2 * len(rest))).mean().item()
        return scores

    def score(self, log: TrainingLog | None) -> None:
        self.scores = self.validate()
        if log:
            log.validated(self.step, self.progress, self.scores)


def together(samples: Sequence[RefinerSample]) -> tuple[Tensor, ...]:
    """Samples along a new first axis: crops, truths, covers."""
    return tuple(
        torch.from_numpy(np.stack([getattr(sample, name) for sample in samples]))
        for name in ("crops", "truths", "covers")
    )


def cosine_rate(step: int, progress: float, config: RefinerConfig) -> float:
    """It rises for ``warmup`` steps under a cosine that falls from the first step on."""
    cosine = 0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0))
    return config.rate * min(1.0, (step + 1) / config.warmup) * cosine + LEAST_RATE


def _parts(samples: RefinerSamples, size: int) -> list[list[RefinerSample]]:
    return [
        [samples[i] for i in range(start, min(start + size, len(samples)))]
        for start in range(0, len(samples), size)
    ]
