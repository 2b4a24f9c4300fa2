"""Pre-training of the backbone as a classifier, on mosaics of labelled tiles (Tiny ImageNet)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.errors import SourceError
from ..networks.mobileone import MobileOne
from . import checkpoint
from .shards import Shard, find_shards


def load_tiles(folder: str | Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Tiles of the ``tiny-*`` shards: uint8 [N, 64, 64, 3] BGR, int64 labels [N], class names."""
    images, labels = [], []
    for path in find_shards(folder, "tiny"):
        shard = Shard(path)
        for entry in shard.entries:
            mosaic, tile = shard.image(entry["mosaic"]), entry["tile"]
            for index, item in enumerate(entry["tiles"]):
                row, column = divmod(index, entry["columns"])
                images.append(
                    mosaic[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
                )
                labels.append(item["label"])
    names = sorted(set(labels))
    number = {name: index for index, name in enumerate(names)}
    return np.stack(images), np.array([number[name] for name in labels]), names


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip, turn, zoom, shift, saturation, brightness, cast: each picture in its own way.

    uint8 [B, H, W, 3] → float32 [B, 3, H, W], [-1, 1] before the light changes.
    """
    batch, size = images.shape[0], images.shape[1]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    x = images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    flip = uniform(0, 1, batch) < 0.5
    x[flip] = x[flip].flip(3)
    angle, zoom = uniform(-0.2, 0.2, batch), uniform(0.65, 1.1, batch)
    shift = uniform(-0.25, 0.25, batch, 2)
    ratio = uniform(-0.15, 0.15, batch).exp()
    theta = torch.stack(
        [
            torch.stack([angle.cos() * zoom * ratio, -angle.sin() * zoom, shift[:, 0]], 1),
            torch.stack([angle.sin() * zoom, angle.cos() * zoom / ratio, shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    saturation = uniform(0.4, 1.6, batch, 1, 1, 1)
    saturation[uniform(0, 1, batch) < 0.1] = 0
    x = (x - grey) * saturation + grey
    return x * uniform(0.6, 1.4, batch, 1, 1, 1) + uniform(-0.3, 0.3, batch, 3, 1, 1) * 0.5


class Classifier(nn.Module):
    """Trunk, global average pooling, linear layer."""

    def __init__(self, trunk: MobileOne, channels: int, classes: int):
        super().__init__()
        self.trunk = trunk
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.trunk(x).mean((2, 3)))


def pretrain(
    folder: str | Path,
    out: str | Path,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    *,
    branches: int = 1,
    scale: bool = False,
    epochs: int = 12,
    batch: int = 128,
    rate: float = 0.15,
    held_out: int = 2000,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> dict:
    """Train a trunk on the ``tiny`` shards; ``out`` takes its ``state_dict`` and the facts.

    The file is rewritten after each epoch, so an interrupted run leaves the last epoch's weights.
    Returns the facts (epochs, accuracy on the held-out tiles).
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    images, labels, names = load_tiles(folder)
    order = np.random.default_rng(seed).permutation(len(images))
    held, kept = order[:held_out], order[held_out:]
    if len(kept) < batch:
        raise SourceError(f"{folder} holds {len(images)} tiles, fewer than {held_out + batch}")
    trunk = MobileOne(widths, depths, branches, scale)
    model = Classifier(trunk, widths[-1], len(names)).to(memory_format=torch.channels_last)
    steps = epochs * (len(kept) // batch)
    optimiser = torch.optim.SGD(
        model.parameters(), rate, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.15)
    facts: dict = {}
    for epoch in range(epochs):
        model.train()
        start, total = time.time(), 0.0
        shuffled = kept[torch.randperm(len(kept), generator=generator).numpy()]
        for first in range(0, len(kept) - batch + 1, batch):
            rows = shuffled[first : first + batch]
            x = augment(torch.from_numpy(images[rows]), generator)
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(x)
            loss = F.cross_entropy(
                logits.float(), torch.from_numpy(labels[rows]), label_smoothing=0.1
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        model.eval()
        right = 0
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for first in range(0, held_out, batch):
                rows = held[first : first + batch]
                x = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1
                right += int((model(x).argmax(1).numpy() == labels[rows]).sum())
        facts = {
            "epochs": epoch + 1,
            "of": epochs,
            "accuracy": right / held_out,
            "classes": len(names),
            "widths": list(widths),
            "depths": list(depths),
            "branches": branches,
            "scale": scale,
            "seed": seed,
        }
        log(
            f"epoch {epoch + 1}/{epochs} loss {total * batch / len(kept):.3f} "
            f"accuracy {right / held_out:.3f} {len(kept) / (time.time() - start):.0f} images/s"
        )
        checkpoint.save(out, {"trunk": trunk.state_dict(), "facts": facts})
    return facts
