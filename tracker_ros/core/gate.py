"""The decision of the dynamic attention's gate for one frame (DASTM, sec. III-B)."""

from dataclasses import dataclass

BRANCHES = ("skip", "se", "ca", "cbam")


@dataclass(frozen=True)
class Gate:
    """Gate weights in the order of ``BRANCHES`` (they sum to 1) and the branch that was run."""

    weights: tuple[float, float, float, float]
    branch: str
