"""Memory reader of space-time memory networks (STMTrack, eq. 3 and 4)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def tokens(features: Tensor) -> Tensor:
    """Features [B, C, h, w] as rows [B, h*w, C], the layout in which memory is kept and read."""
    return features.flatten(2).transpose(1, 2)


def attend(query: Tensor, memory: Tensor) -> Tensor:
    """Attention with one head: every row of ``query`` [B, N, C] gathers rows of ``memory``.

    softmax(query · memoryᵀ / √C) · memory: [B, M, C] → [B, N, C] (STMTrack, eq. 3; STIF, eq. 8).
    """
    if torch.compiler.is_exporting():
        return shares(query, memory) @ memory
    memory = memory[:, None]
    return F.scaled_dot_product_attention(query[:, None], memory, memory)[:, 0]


def shares(query: Tensor, memory: Tensor) -> Tensor:
    """softmax(query · memoryᵀ / √C), [B, N, M], whose least values are e⁻⁵⁰ and not subnormal.

    A subnormal number costs an Intel processor a hundred cycles, and ONNX Runtime multiplies the
    memory by every one of them: with the shares as they are a frame takes up to four times as long
    (docs/performance.md). No sum in float32 can tell e⁻⁵⁰ from less.
    """
    likeness = query * query.shape[2] ** -0.5 @ memory.transpose(1, 2)
    return F.softmax(torch.maximum(likeness, likeness.amax(2, keepdim=True) - 50), 2)


def read_memory(query: Tensor, memory: Tensor) -> Tensor:
    """Every query cell gathers what the memory knows: softmax over all memory cells.

    Args:
        query: [B, C, H, W]. memory: [B, M, C], the tokens of all memorised frames; they are key
            and value at once.
    Returns:
        [B, 2C, H, W]: the readout, then the query (the reference code's order; the paper prints
        the query first, which permutes the next layer's weights and nothing else).
    """
    readout = attend(tokens(query), memory)
    return torch.cat([readout.transpose(1, 2).unflatten(2, query.shape[2:]), query], 1)
