"""Choice of the frames of a clip that meet in a sample."""

import numpy as np


def choose_frames(
    times: np.ndarray,
    count: int,
    max_gap: float,
    causal: bool,
    rng: np.random.Generator,
    queries: int = 1,
    adjacent: bool = False,
) -> list[int]:
    """Positions in ``times`` (ascending, [N]) of ``count`` memory frames, then of the queries.

    Queries follow each other in the clip; one that is too short for them repeats its last frame.
    Each memory frame is at most ``max_gap`` from the first query; with ``causal`` before it, the
    earliest first. Where no frame is in reach before a causal query, the query stands for them.
    With ``adjacent`` the last memory frame follows the one before it, as far as there is one.
    """
    last = len(times) - 1
    start = 1 if causal and last else 0
    query = int(rng.integers(start, max(last + 1 - queries, start) + 1))
    following = [min(query + i, last) for i in range(queries)]
    low = int(np.searchsorted(times, times[query] - max_gap))
    if causal and low == query:
        return [*[query] * count, *following]
    high = query if causal else int(np.searchsorted(times, times[query] + max_gap, "right"))
    memory = rng.integers(low, high, count).tolist()
    if causal:
        memory.sort()
    if adjacent and count > 1:
        memory[-1] = min(memory[-2] + 1, high - 1)
    return [*memory, *following]
