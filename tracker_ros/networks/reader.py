"""Memory reader of space-time memory networks (STMTrack, eq. 3 and 4)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def read_memory(query: Tensor, memory: Tensor) -> Tensor:
    """Every query cell gathers what the memory knows: softmax over all T·h·w memory cells.

    Args:
        query: [B, C, H, W]. memory: [B, T, C, h, w]; key and value are the same features.
    Returns:
        [B, 2C, H, W]: the readout, then the query (the reference code's order; the paper prints
        the query first, which permutes the next layer's weights and nothing else).
    """
    height, width = query.shape[2:]
    keys = memory.permute(0, 1, 3, 4, 2).flatten(1, 3)
    readout = F.scaled_dot_product_attention(query.flatten(2).transpose(1, 2), keys, keys)
    return torch.cat([readout.transpose(1, 2).unflatten(2, (height, width)), query], 1)
