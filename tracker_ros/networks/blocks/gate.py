"""DASTM's dynamic attention module: a gate picks skip, SE, CA or CBAM for each memory frame."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.gate import BRANCHES
from .attention import CBAM, SE, CoordinateAttention

SUMS = {"static": BRANCHES[1:], "se+ca": ("se", "ca")}  # branches that are simply added
LEARNT = ("hard", "soft")  # modes in which the gate learns
MODES = (*LEARNT, "random", *SUMS, *BRANCHES)


def unread(mode: str) -> Iterator[tuple[str, str]]:
    """The settings that a gate of this mode does not look at, each with the reason."""
    if mode not in LEARNT:
        yield from dict.fromkeys(("gate_reduction", "temperature"), f"gate is {mode}").items()


class GateUnit(nn.Module):
    """Global average pooling → FC(C → C/d) → ReLU → FC(→ 4) (DASTM, eq. 1).

    Shapes: features [B, C, H, W] → logits [B, 4].
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction)
        self.decide = nn.Linear(channels // reduction, len(BRANCHES))

    def forward(self, x: Tensor) -> Tensor:
        return self.decide(torch.relu(self.squeeze(x.mean((2, 3)))))


class DynamicAttention(nn.Module):
    """Attention over one memory frame's features, chosen by the gate.

    Args:
        channels: C of the features.
        mode: ``hard`` (straight-through Gumbel-softmax in training, argmax in evaluation),
            ``soft`` (eq. 2: a weighted sum), ``static`` (SASTM: SE + CA + CBAM, no gate),
            ``se+ca`` (the sum of these two), ``random`` (one-hot by chance, Table III), or one
            branch's name (Table I; ``skip`` is the baseline).
        reduction: d of the gate's bottleneck. temperature: τ of eq. 2.
    """

    def __init__(self, channels: int, mode: str, reduction: int = 4, temperature: float = 1.0):
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"gate mode is {mode!r}, not one of {', '.join(MODES)}")
        self.mode, self.temperature = mode, temperature
        self.gate = GateUnit(channels, reduction) if mode in LEARNT else None
        modules = {"se": SE, "ca": CoordinateAttention, "cbam": CBAM}
        wanted = BRANCHES if mode in (*LEARNT, "random") else SUMS.get(mode, (mode,))
        self.branches = nn.ModuleDict(
            {name: module(channels) for name, module in modules.items() if name in wanted}
        )

    def weights(self, x: Tensor) -> Tensor:
        """Gate weights [B, 4] for features [B, C, H, W]; in ``hard`` mode before the choice."""
        if self.gate is not None:
            return F.softmax(self.gate(x) / self.temperature, 1)
        if self.mode == "random":
            choice = torch.randint(len(BRANCHES), (x.shape[0],), device=x.device)
            return F.one_hot(choice, len(BRANCHES)).to(x.dtype)
        used = SUMS.get(self.mode, (self.mode,))
        # Made where they are needed: a copy from the host could not be recorded (cuda_graphs).
        return torch.cat([x.new_full((len(x), 1), float(name in used)) for name in BRANCHES], 1)

    def branch(self, name: str, x: Tensor) -> Tensor:
        """Run one branch: [B, C, H, W] → [B, C, H, W]."""
        return x if name == "skip" else self.branches[name](x)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, C, H, W] → attended features [B, C, H, W] and gate weights [B, 4]."""
        weights = self.weights(x)
        share = weights
        if self.mode == "hard" and self.training:
            share = F.gumbel_softmax(weights.clamp_min(1e-6).log(), tau=self.temperature, hard=True)
        elif self.mode == "hard":
            share = F.one_hot(weights.argmax(1), len(BRANCHES)).to(x.dtype)
        total = share[:, 0, None, None, None] * x
        for index, name in enumerate(BRANCHES[1:], 1):
            if name in self.branches:
                total = total + share[:, index, None, None, None] * self.branches[name](x)
        return total, weights

    def choose(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``forward`` in evaluation; of one frame in ``hard`` mode only the chosen branch is run.

        Written with ``torch.cond`` so that an exported graph skips the other branches too. On a GPU
        all run: to wait for the choice would take longer.
        """
        if self.mode != "hard" or len(x) > 1 or x.is_cuda:
            return self(x)
        weights = self.weights(x)
        chosen = weights[0].argmax()
        if not torch.compiler.is_exporting():
            return self.branch(BRANCHES[int(chosen)], x), weights
        # One after the other: in each other, every branch is traced anew for each level around it.
        out = x.clone()
        for index, name in enumerate(BRANCHES[1:], 1):
            attend = self.branches[name]
            out = torch.cond(
                chosen == index,
                lambda x, out, attend=attend: attend(x),
                lambda x, out: out.clone(),
                (x, out),
            )
        return out, weights
