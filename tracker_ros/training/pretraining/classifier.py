"""Pre-training of a backbone as a classifier of labelled pictures."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.errors import ModelError, ParameterError, SourceError, TrackerError, brief
from ...networks.backbones.by_name import make_backbone
from ...networks.config import NetworkConfig
from ..records import checkpoint
from .pictures import LabelledPictures, PictureBatch, augment, load, normalised
from .sets import open_labelled

SIZES = (
    "backbone",
    "width",
    "widths",
    "depths",
    "branches",
    "scale",
    "late_se",
)  # what makes a backbone


@dataclass(frozen=True)
class PretrainingConfig:
    """SGD with Nesterov momentum, one cycle of the learning rate, label smoothing of .1."""

    epochs: int = 12
    batch: int = 128
    rate: float = 0.15  # the highest
    weight_decay: float = 1e-4
    size: int = 64  # side of the pictures, pixels
    held_out: int | None = None  # pictures for the accuracy; None: a tenth, at most 2000
    workers: int = 0  # processes that decode
    seed: int = 0
    save_every: int = 500  # steps, besides the end of each epoch


def one_cycle(progress: float, warmup: float = 0.15) -> float:
    """Factor on the highest rate at ``progress`` in [0, 1] (Smith & Topin, 2018), with cosines.

    From a 25th up to 1 during ``warmup``, then down to 1e-5.
    """
    if progress < warmup:
        start, end, done = 0.04, 1.0, progress / warmup
    else:
        start, end, done = 1.0, 1e-5, (progress - warmup) / (1 - warmup)
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


class Classifier(nn.Module):
    """Trunk, global average pooling, and one linear layer with the classes of all sets."""

    def __init__(self, trunk: nn.Module, channels: int, classes: int):
        super().__init__()
        self.trunk = trunk
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.trunk(x).mean((2, 3)))


def pretrain(
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    network: NetworkConfig,
    config: PretrainingConfig = PretrainingConfig(),
    device: str = "cpu",
    cache: Path | None = None,
    log: Callable[[str], None] = print,
) -> dict:
    """Train the backbone of ``network`` on ``data`` (see ``open_labelled``); returns the facts.

    ``out`` takes ``trunk`` (a state dict), ``facts`` and, until the end, what is needed to go on.
    It is replaced as a whole every ``save_every`` steps and after each epoch; a run whose ``out``
    is there goes on exactly where it was.

    Raises SourceError for data that cannot be used, ParameterError for pictures too small for the
    backbone, ModelError where ``out`` belongs to another pre-training, TrackerError for a loss that
    is not finite.
    """
    out = Path(out)
    unpacked = out.with_name(f"{out.name}.tiles")
    data = [data] if isinstance(data, str | Path) else data
    try:
        pictures = LabelledPictures(open_labelled(data, unpacked, cache), config.size)
        return _Pretraining(pictures, out, network, config, device, log).run()
    finally:
        for path in out.parent.glob(f"{unpacked.name}*"):
            path.unlink()


class _Pretraining:
    def __init__(
        self,
        pictures: LabelledPictures,
        out: Path,
        network: NetworkConfig,
        config: PretrainingConfig,
        device: str,
        log: Callable[[str], None],
    ):
        self.pictures, self.out, self.config, self.log = pictures, out, config, log
        self.device = torch.device(device)
        count, held = len(pictures), config.held_out
        held = min(2000, count // 10) if held is None else held
        if count < held + config.batch:
            raise SourceError(
                f"the data hold {count} pictures, fewer than {held + config.batch}: {held} are "
                f"held out and a batch has {config.batch}"
            )
        order = np.random.default_rng(config.seed).permutation(count)
        self.held, self.kept = order[:held], order[held:]
        self.epoch_steps = len(self.kept) // config.batch
        torch.manual_seed(config.seed)
        if self.device.type == "cuda":
            torch.backends.cudnn.deterministic = True
        trunk = make_backbone(network)
        if trunk.cells(config.size) < 1:
            raise ParameterError(
                f"pictures of {config.size} pixels are too small for the backbone "
                f"{network.backbone}; give a larger --size"
            )
        model = Classifier(trunk, trunk.channels, pictures.spans[-1])
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(
            self.model.parameters(), momentum=0.9, weight_decay=config.weight_decay, nesterov=True
        )
        self.step = 0
        sets = {part.name: len(part.labels) for part in pictures.sets}
        sizes = {name: getattr(network, name) for name in SIZES if hasattr(network, name)}
        settings = sizes | asdict(config) | {"sets": sets, "classes": pictures.spans[-1]}
        del settings["workers"], settings["save_every"]  # these do not change the result
        settings["of"] = settings.pop("epochs")
        self.settings = json.loads(json.dumps(settings))
        self.facts: dict = {"epochs": 0, **self.settings}
        if out.exists():
            self._resume()

    def _resume(self) -> None:
        content = checkpoint.load(self.out)
        try:
            self.facts = content["facts"]
            for name, value in self.settings.items():
                if self.facts[name] != value:
                    raise ModelError(
                        f"{self.out} is of a pre-training with another value of {name}: "
                        f"{self.facts[name]}, not {value}; give another file"
                    )
            self.step = self.config.epochs * self.epoch_steps
            if "resume" in content:
                self.model.load_state_dict(content["resume"]["model"])
                self.optimiser.load_state_dict(content["resume"]["optimiser"])
                self.step = content["resume"]["step"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self.out} is no checkpoint of this pre-training: {brief(error)}"
            ) from None

    def _save(self) -> None:
        content = {"trunk": self.model.trunk.state_dict(), "facts": self.facts}
        if self.step < self.config.epochs * self.epoch_steps:
            content["resume"] = {
                "model": self.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
            }
        checkpoint.save(self.out, content)

    def run(self) -> dict:
        steps = self.config.epochs * self.epoch_steps
        if self.step == steps:
            self.log(f"{self.out} is finished")
            return self.facts
        begin, first, total, count = time.monotonic(), self.step, 0.0, 0
        rows = self._training_rows(self.step)
        for batch in load(self.pictures, rows, self.config.workers):
            if batch is not None:
                total, count = total + self._update(batch, self.step / steps), count + 1
            self.step += 1
            ended = self.step % self.epoch_steps == 0
            if not ended and self.step % self.config.save_every:
                continue
            if not count:
                raise SourceError(f"none of the last {self.config.batch} pictures could be read")
            if ended:
                self.facts = {
                    **self.facts,
                    "epochs": self.step // self.epoch_steps,
                    **self._accuracy(),
                    "skipped": self.pictures.skipped,
                }
            self._save()
            pace = (time.monotonic() - begin) / (self.step - first)
            self._tell(steps, total / count, ended, pace)
            total, count = 0.0, 0
        return self.facts

    def _tell(self, steps: int, loss: float, ended: bool, pace: float) -> None:
        epoch = -(-self.step // self.epoch_steps)
        line = f"epoch {epoch}/{self.config.epochs} step {self.step}/{steps} loss {loss:.3f}"
        if ended:
            line += f" accuracy {self.facts['accuracy']:.3f}"
        line += f" {self.config.batch / pace:.0f} pictures/s"
        if skipped := self.pictures.skipped:
            line += f" {skipped} unreadable pictures skipped"
        self.log(f"{line}, {(steps - self.step) * pace / 60:.0f} min left")

    def _training_rows(self, start: int) -> Iterator[np.ndarray]:
        """The rows of each batch from step ``start`` on; an epoch's order is its own."""
        batch = self.config.batch
        for epoch in range(start // self.epoch_steps, self.config.epochs):
            rows = np.random.default_rng((self.config.seed, epoch)).permutation(self.kept)
            first = max(start - epoch * self.epoch_steps, 0)
            for step in range(first, self.epoch_steps):
                yield rows[step * batch : (step + 1) * batch]

    def _update(self, batch: PictureBatch, progress: float) -> float:
        """One step; returns the loss."""
        # Of the step's own, so that a resumed run sees what it would have seen.
        generator = torch.Generator().manual_seed(self.config.seed * 2**32 + self.step)
        x = augment(batch.images.to(self.device), generator)
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.model(x.contiguous(memory_format=torch.channels_last))
        loss = self._loss(logits.float(), batch.sets, batch.labels.to(self.device))
        value = loss.item()
        if not math.isfinite(value):
            kept = f"{self.out} holds" if self.out.exists() else "no file holds"
            raise TrackerError(
                f"the loss is not finite at step {self.step}; {kept} the last good weights"
            )
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * one_cycle(progress)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return value

    def _loss(self, logits: Tensor, sets: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy; each picture is told apart from classes of its own set alone."""
        total = logits.new_zeros(())
        for number, (first, end) in enumerate(pairwise(self.pictures.spans)):
            mine = (sets == number).to(logits.device)
            total = total + F.cross_entropy(
                logits[mine, first:end], labels[mine], label_smoothing=0.1, reduction="sum"
            )
        return total / len(labels)

    @torch.no_grad()
    def _accuracy(self) -> dict:
        """Share of held-out pictures whose class is found, of all and of each set."""
        batch = self.config.batch
        right, seen = np.zeros((2, len(self.pictures.sets)), int)
        self.model.eval()
        rows = (self.held[i : i + batch] for i in range(0, len(self.held), batch))
        for part in filter(None, load(self.pictures, rows, self.config.workers)):
            x = normalised(part.images.to(self.device))
            with torch.autocast(self.device.type, torch.bfloat16):
                logits = self.model(x.contiguous(memory_format=torch.channels_last)).float().cpu()
            for number, (first, end) in enumerate(pairwise(self.pictures.spans)):
                mine = part.sets == number
                seen[number] += int(mine.sum())
                found = logits[mine, first:end].argmax(1)
                right[number] += int((found == part.labels[mine]).sum())
        shares = {
            part.name: int(right[number]) / int(seen[number])
            for number, part in enumerate(self.pictures.sets)
            if seen[number]
        }
        return {"accuracy": int(right.sum()) / max(int(seen.sum()), 1), "accuracies": shares}
