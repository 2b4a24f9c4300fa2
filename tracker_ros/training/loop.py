"""The training loop: samples in, checkpoints and a log out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..core.config import TrackingConfig
from ..core.errors import ModelError, SourceError, TrackerError, brief
from ..networks.dastm import Dastm, DastmConfig
from . import checkpoint
from .log import TrainingLog
from .losses import LossConfig, gate_balance, tracking_loss
from .ranks import Ranks, ShardedBatches
from .sampling import Sample, Samples, SamplingConfig
from .targets import assign


@dataclass(frozen=True)
class TrainingConfig:
    """How to train: AdamW, ``rate`` falling to a fiftieth along a cosine, for short schedules."""

    batch: int = 32  # samples an update, of all processes together
    steps: int = 10_000
    minutes: float = 0.0  # > 0: the schedule follows the clock instead of ``steps``
    rate: float = 1e-3
    trunk_rate: float = 0.6  # of ``rate``, for the pre-trained trunks
    warmup: float = 0.03  # share of the schedule
    weight_decay: float = 1e-4
    clip: float = 5.0  # gradient norm
    ema: float = 0.998  # decay of the averaged weights, which are the ones that are kept
    workers: int = 1
    seed: int = 0
    device: str = "cpu"
    checkpoint_every: int = 200  # steps
    losses: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)


def collate(samples: list[Sample]) -> tuple[Tensor, ...]:
    """Stack samples along a new first axis.

    Returns memory uint8 [B, T, M, M, 3], its boxes [B, T, 4], queries uint8 [B, K, Q, Q, 3], their
    boxes [B, K, 4], positive bool [B].
    """
    return (
        *(
            torch.stack([torch.from_numpy(getattr(sample, name)) for sample in samples])
            for name in ("memory", "memory_boxes", "queries", "query_boxes")
        ),
        torch.tensor([sample.positive for sample in samples]),
    )


def _quiet_worker(_: int) -> None:
    cv2.setNumThreads(0)  # one core a worker: the others belong to the network


class Average:
    """Exponential moving average of weights and batch statistics, with a warm start."""

    def __init__(self, model: torch.nn.Module, decay: float):
        self.decay, self.count = decay, 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: torch.nn.Module) -> None:
        self.count += 1
        decay = min(self.decay, self.count / (self.count + 10))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def learning_rate(progress: float, config: TrainingConfig) -> float:
    """Factor on the base rate at ``progress`` in [0, 1]: linear warm-up, then cosine to 1/50."""
    if progress < config.warmup:
        return max(progress / config.warmup, 0.02)
    done = min((progress - config.warmup) / (1 - config.warmup), 1.0)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


class Trainer:
    """Trains one network; ``run`` continues from ``out``/last.pt if it is there.

    Args:
        data: folder of shards, or sets as NAME:FOLDER[:WEIGHT].
        out: folder for ``last.pt`` and ``log.csv``.
        network, tracking, config: what to build and how to train it.
        trunk: checkpoint of ``pretrain``, copied into both branches at the start, or None.
        cache: folder for indices of sets, None for none.
    Raises:
        TrackerError: no data, a checkpoint of another network, a loss that is not finite.
    """

    def __init__(
        self,
        data: str | Path | Sequence[str | Path],
        out: str | Path,
        network: DastmConfig,
        tracking: TrackingConfig,
        config: TrainingConfig,
        trunk: str | Path | None = None,
        cache: Path | None = None,
    ):
        self.data, self.out, self.cache = data, Path(out), cache
        self.network, self.tracking, self.config = network, tracking, config
        torch.manual_seed(config.seed)
        self.device = torch.device(config.device)
        self.ranks = Ranks.join(self.device)
        self.model = Dastm(network)
        self.step, self.elapsed = 0, 0.0
        self.facts: dict = {}
        if trunk is not None:
            self._load_trunk(Path(trunk))
        self.model.to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.model, config.ema)
        trunks = [p for n, p in self.model.named_parameters() if "_trunk." in n]
        rest = [p for n, p in self.model.named_parameters() if "_trunk." not in n]
        self.optimiser = torch.optim.AdamW(
            [{"params": rest, "share": 1.0}, {"params": trunks, "share": config.trunk_rate}],
            lr=config.rate,
            weight_decay=config.weight_decay,
        )
        self.last = self.out / "last.pt"
        if self.last.exists():
            self._resume()

    def _load_trunk(self, path: Path) -> None:
        content = checkpoint.load(path)
        try:
            self.model.memory_trunk.load_state_dict(content["trunk"])
            self.model.query_trunk.load_state_dict(content["trunk"])
            self.facts["backbone"] = content["facts"]
        except (KeyError, TypeError, RuntimeError) as error:
            raise ModelError(
                f"backbone checkpoint {path} does not fit the network: {brief(error)}"
            ) from error

    def _resume(self) -> None:
        content, network = checkpoint.load(self.last), self.network.to_dict()
        try:
            if content["network"] != network:
                raise ModelError(
                    f"{self.last} holds the network {content['network']}, not {network}"
                )
            self.model.load_state_dict(content["model"])
            self.average.state, self.average.count = content["average"], content["average_count"]
            self.optimiser.load_state_dict(content["optimiser"])
            torch.set_rng_state(content["rng"])
            self.step, self.elapsed = content["step"], content["elapsed"]
            self.facts = content["facts"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self.last} is no checkpoint of this training: {brief(error)}"
            ) from error

    def _save(self) -> None:
        checkpoint.save(
            self.last,
            {
                "network": self.network.to_dict(),
                "tracking": self.tracking.to_dict(),
                "config": asdict(self.config),
                "facts": self.facts,
                "model": self.model.state_dict(),
                "average": self.average.state,
                "average_count": self.average.count,
                "optimiser": self.optimiser.state_dict(),
                "rng": torch.get_rng_state(),
                "step": self.step,
                "elapsed": self.elapsed,
            },
        )

    def _batches(self, samples: Samples) -> Iterator[tuple[Tensor, ...]]:
        c = self.config
        last = None if c.minutes else c.steps
        return iter(
            DataLoader(
                samples,
                batch_sampler=ShardedBatches(c.batch, self.ranks, self.step, last),
                num_workers=c.workers,
                collate_fn=collate,
                worker_init_fn=_quiet_worker,
                prefetch_factor=4 if c.workers else None,
                # Of its own, so that starting the loader leaves the network's chance as it is:
                # a resumed run, which starts it once more, would else take another course.
                generator=torch.Generator(),
            )
        )

    @property
    def progress(self) -> float:
        """Share of the schedule that is done."""
        if self.config.minutes:
            return self.elapsed / (60 * self.config.minutes)
        return self.step / self.config.steps

    def train_step(self, batch: tuple[Tensor, ...]) -> dict[str, float]:
        """One update of the weights; returns the loss terms."""
        memory, memory_boxes, queries, query_boxes, positive = (
            part.to(self.device) for part in batch
        )
        query, query_box = queries[:, 0], query_boxes[:, 0]
        rate = self.config.rate * learning_rate(self.progress, self.config)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            logits, centerness, boxes, weights = self.model(memory, memory_boxes, query)
        cells = self.tracking.query_size // self.tracking.stride
        targets = assign(query_box, positive, cells, self.tracking.stride)
        terms = tracking_loss(
            logits.float(), centerness.float(), boxes.float(), targets, self.config.losses
        )
        balance = gate_balance(weights.float())
        total = terms["total"] + self.config.losses.gate_balance * balance
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        clock = torch.tensor([self.elapsed], device=self.device)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        self.ranks.average([*gradients, clock])
        self.elapsed = clock.item()  # one clock for all, so that all stop at the same step
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        # Looked at after the exchange, so that all processes stop and none waits for the others.
        if not (torch.isfinite(total) and torch.isfinite(norm)):
            good = f"{self.last} holds" if self.last.exists() else "no checkpoint holds"
            raise TrackerError(
                f"the loss or its gradient is not finite at step {self.step}; {good} the last "
                "good weights"
            )
        self.optimiser.step()
        self.average.update(self.model)
        self.step += 1
        shares = weights.detach().float().flatten(0, -2).mean(0).tolist()
        return {name: value.item() for name, value in terms.items()} | {
            "balance": balance.item(),
            "rate": rate,
            **{f"gate_{i}": share for i, share in enumerate(shares)},
        }

    def run(self, tell: Callable[[str], None] = print) -> None:
        """Train to the end of the schedule, with a checkpoint now and then and at the end."""
        self.out.mkdir(parents=True, exist_ok=True)
        samples = Samples(
            self.data, self.tracking, self.config.sampling, self.config.seed, self.cache
        )
        batches = self._batches(samples)
        log = TrainingLog(self.out / "log.csv", tell)
        last = time.monotonic()
        while self.progress < 1:
            asked = time.monotonic()
            try:
                batch = next(batches)
            except SourceError as error:  # a worker's comes as a traceback; its end is the sentence
                sentence = str(error).strip().splitlines()[-1].rpartition("SourceError: ")[2]
                raise SourceError(sentence) from None
            waited = time.monotonic() - asked
            terms = self.train_step(batch)
            now = time.monotonic()
            self.elapsed, last = self.elapsed + now - last, now
            if self.ranks.leads:
                log.add(
                    self.step, self.progress, terms, self.config.batch, waited, samples.replaced
                )
                if self.step % self.config.checkpoint_every == 0:
                    self._save()
        if self.ranks.leads:
            self._save()
