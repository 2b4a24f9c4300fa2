"""Which frames of a clip meet in a sample."""

from __future__ import annotations

import numpy as np


def choose_frames(
    times: np.ndarray,
    count: int,
    max_gap: float,
    causal: bool,
    rng: np.random.Generator,
    queries: int = 1,
) -> list[int]:
    """Positions in ``times`` (ascending, [N]) of ``count`` memory frames, then of the queries.

    Queries follow each other in the clip; one that is too short for them repeats its last frame.
    Each memory frame is at most ``max_gap`` from the first query; with ``causal`` before it, the
    earliest first. Where no frame is in reach before a causal query, the query stands for them.
    """
    last = len(times) - 1
    start = 1 if causal and last else 0
    query = int(rng.integers(start, max(last + 1 - queries, start) + 1))
    following = [min(query + i, last) for i in range(queries)]
    low = int(np.searchsorted(times, times[query] - max_gap))
    if not causal:
        high = int(np.searchsorted(times, times[query] + max_gap, "right"))
        return [*rng.integers(low, high, count).tolist(), *following]
    if low == query:
        return [*[query] * count, *following]
    return [*sorted(rng.integers(low, query, count).tolist()), *following]
