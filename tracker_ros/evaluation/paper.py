"""The papers' inference: what an evaluation that reproduces a paper changes.

No target is lost there and no window waits: benchmarks want a box in every frame.
"""

from dataclasses import replace

from ..core.config import TrackingConfig
from ..core.errors import ParameterError

# No LOST, no weak evidence that moves nothing, no least score of a memorised frame but the paper's
# own; boxes of at least 10 px, as SiamRPN's code and its heirs have it.
ALWAYS = {"lost_score": 0.0, "tracking_score": 0.0, "minimum_side": 10.0}

# STMTrack's release: every frame is encoded, the last one read above .6 of the blended score; sizes
# are smoothed by the score alone. It keeps all frames, here 512 spread over the past.
STMTRACK = {
    **ALWAYS,
    "memory_capacity": 512,
    "memory_segments": 4,
    "memory_interval": 1,
    "memory_score": 0.0,
    "memory_blend": 1.0,
    "last_score": 0.6,
    "size_trust": 1.0,
    "size_rate": 0.95,
    "window_influence": 0.21,
    "penalty": 0.04,
}
# Its release's values for benchmarks on which they differ.
STMTRACK_SETS = {
    "otb": {
        "size_rate": 0.5501132208837838,
        "window_influence": 0.20534968836733386,
        "penalty": 0.07592315864890313,
    },
    "uav123": {
        "size_rate": 0.5405424265010361,
        "window_influence": 0.20298940424940976,
        "penalty": 0.07067416478817143,
        "search_factor": 4.171677449782462,
    },
    "vot": {
        "size_rate": 0.9629084797864664,
        "window_influence": 0.2674225347735762,
        "penalty": 0.04120782242066555,
        "search_factor": 4.056291055280747,
        "last_score": 0.0,
    },
}

# By architecture. DASTM prints none of these values: it stands on STMTrack. STIF reads its first
# and its last three frames, whatever their scores.
PAPERS: dict[str, tuple[dict, dict]] = {
    "stmtrack": (STMTRACK, STMTRACK_SETS),
    "dastm": (STMTRACK, STMTRACK_SETS),
    "stif": (
        {
            name: STMTRACK[name]
            for name in (*ALWAYS, "memory_score", "size_trust", "size_rate", "window_influence")
        }
        | {"penalty": 0.04},
        {},
    ),
    "ustam": (ALWAYS, {}),
    # SiamRPN++'s code, from which its smoothing is, takes a size by the score alone.
    "dastsiam": ({**ALWAYS, "size_trust": 1.0}, {}),
    "siamfc": (ALWAYS, {}),
}


def paper_tracking(architecture: str, dataset: str, own: TrackingConfig) -> TrackingConfig:
    """The tracker of a paper on a benchmark; ``own`` says the rest.

    Raises ParameterError for a network that is no paper's.
    """
    if architecture not in PAPERS:
        raise ParameterError(f"--paper: {architecture} is no paper's network")
    values, sets = PAPERS[architecture]
    return replace(own, **{**values, **sets.get(dataset, {})})
