"""Temporal robustness evaluation: the same sequence from several starts."""

from dataclasses import replace

import numpy as np

from ..sources.sequences import Sequence


def restarts(sequence: Sequence, count: int) -> list[Sequence]:
    """The sequence from ``count`` evenly spread starts to its end; the first is the sequence
    itself.

    Temporal robustness evaluation (TRE; Wu et al., CVPR 2013, sec. 4), which takes 20. A start
    without a target moves on to the next frame with one, and is left out where there is no later
    one to find it in. The others are named NAME@FRAME, from 1.
    """
    visible = np.flatnonzero((sequence.truth[:, 2:] > 0).all(1) & sequence.scored)[:-1]
    found = {0: sequence}
    count = min(count, len(sequence))  # more would be the same frames
    for number in range(1, count):
        later = visible[visible >= number * len(sequence) // count]
        if len(later) and later[0]:
            start = int(later[0])
            found[start] = replace(
                sequence,
                name=f"{sequence.name}@{start + 1}",
                paths=sequence.paths[start:],
                truth=sequence.truth[start:],
                scored=sequence.scored[start:],
            )
    return list(found.values())
