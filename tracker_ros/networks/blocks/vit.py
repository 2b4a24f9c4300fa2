"""Mixed-attention transformer blocks of MixViT (Cui et al., "MixFormer", TPAMI 2024).

Templates attend to themselves alone, the search region to both, so that templates can be encoded
once and their keys and values kept. Tokens are [B, n, C].
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST_CELLS = 256  # a side, as other networks' search_cells; every cell attends to all others


def position_code(cells: int, channels: int) -> Tensor:
    """Frozen sine and cosine code of a square grid: float32 [cells², channels], rows first.

    Raises ValueError for more cells than ``MOST_CELLS``.
    """
    if cells > MOST_CELLS:
        raise ValueError(f"{cells}×{cells} patches are more than {MOST_CELLS}×{MOST_CELLS}")
    quarter = channels // 4
    rate = 10000 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    angle = torch.arange(cells, dtype=torch.float64)[:, None] * rate
    line = torch.cat([angle.sin(), angle.cos()], 1)  # [cells, C/2]
    rows = line[:, None].expand(-1, cells, -1)
    columns = line[None].expand(cells, -1, -1)
    return torch.cat([columns, rows], 2).flatten(0, 1).float()


class MixedAttention(nn.Module):
    """Multi-head attention whose queries, keys and values are handed over one by one."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be shared by {heads} heads")
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens [B, n, C] → queries, keys and values [B, heads, n, C/heads]."""
        return self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)

    @staticmethod
    def map(query: Tensor, key: Tensor) -> Tensor:
        """The attention map G (USTAM, eq. 3): [B, heads, n, m], rows sum to 1."""
        return torch.softmax(query @ key.transpose(2, 3) * query.shape[-1] ** -0.5, -1)

    def join(self, x: Tensor) -> Tensor:
        """Heads [B, heads, n, C/heads] → tokens [B, n, C]."""
        return self.project(x.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a two-layer perceptron, each behind a layer norm and beside a residual.

    In training each of the two is left out for a share ``drop`` of the samples (stochastic depth).
    """

    def __init__(self, channels: int, heads: int, drop: float):
        super().__init__()
        self.drop = drop
        self.before_attention = nn.LayerNorm(channels, eps=1e-6)
        self.attention = MixedAttention(channels, heads)
        self.before_perceptron = nn.LayerNorm(channels, eps=1e-6)
        self.perceptron = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def templates(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Template tokens [B, m, C] → themselves, and the keys and values they show the search."""
        query, key, value = self.attention.split(self.before_attention(x))
        attended = F.scaled_dot_product_attention(query, key, value)
        return self._finish(x, attended), key, value

    def search(self, x: Tensor, key: Tensor, value: Tensor, change=None) -> tuple[Tensor, Tensor]:
        """Search tokens [B, n, C] that attend to the templates' keys and values and to themselves.

        ``change`` maps the attention map [B, heads, n, m + n] (templates first) to the one that is
        used and something to return; without it the map is never made.
        """
        query, own_key, own_value = self.attention.split(self.before_attention(x))
        key, value = torch.cat([key, own_key], 2), torch.cat([value, own_value], 2)
        if change is None:
            return self._finish(x, F.scaled_dot_product_attention(query, key, value)), None
        used, told = change(self.attention.map(query, key))
        return self._finish(x, used @ value), told

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self._kept(self.attention.join(attended))
        return x + self._kept(self.perceptron(self.before_perceptron(x)))

    def _kept(self, x: Tensor) -> Tensor:
        if not (self.drop and self.training):
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop
        return x * (kept / (1 - self.drop)).to(x.dtype)
