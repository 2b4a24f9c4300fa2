"""Which frames of a clip meet in a sample."""

from __future__ import annotations

import numpy as np


def choose_frames(
    times: np.ndarray, count: int, max_gap: float, causal: bool, rng: np.random.Generator
) -> list[int]:
    """Positions in ``times`` (ascending, [N]) of ``count`` memory frames and, last, of the query.

    Each memory frame is at most ``max_gap`` from the query; with ``causal`` before it, the earliest
    first. Where no frame is in reach before a causal query, the query stands for them.
    """
    start = 1 if causal and len(times) > 1 else 0
    query = int(rng.integers(start, len(times)))
    low = int(np.searchsorted(times, times[query] - max_gap))
    if not causal:
        high = int(np.searchsorted(times, times[query] + max_gap, "right"))
        return [*rng.integers(low, high, count).tolist(), query]
    if low == query:
        return [query] * (count + 1)
    return [*sorted(rng.integers(low, query, count).tolist()), query]
