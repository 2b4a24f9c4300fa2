"""Grey levels of more than 8 bits (thermal, depth) to the 8 that trackers look at."""

import numpy as np

SHARES = (1, 99)  # percentiles of the first picture
WIDE = 1e37  # a difference of values beyond may be more than float32 holds
_SAMPLES = 65536  # of a picture, from which its percentiles are known well enough


class Levels:
    """The range of values that becomes 0 to 255, chosen on one picture and then kept.

    Cameras of 10, 12 or 14 bits store their values in 16 bits and use few of these: the high byte
    alone would leave a handful of grey levels. If every picture had a range of its own, the target
    would look different from frame to frame. So make one ``Levels`` for each target.

    Attributes:
        range: the values that become 0 and 255; None as long as no picture had contrast.
    """

    def __init__(self) -> None:
        self.range: tuple[float, float] | None = None

    def __str__(self) -> str:
        """The range as ``status`` shows it: ``1204..3377``; empty where there is none."""
        return "{:g}..{:g}".format(*self.range) if self.range else ""

    def reduce(self, pixels: np.ndarray) -> np.ndarray:
        """``pixels`` as uint8, of the same shape.

        Args:
            pixels: of any shape, integers or floats. Values that are not finite become 0. So do all
                values of a picture without contrast, until one with contrast has come.
        """
        if self.range is None:
            self.range = _range(pixels)
        if self.range is None:
            return np.zeros(pixels.shape, np.uint8)
        low, high = self.range
        kind = np.float64 if max(-low, high) > WIDE else np.float32
        scaled = (pixels.astype(kind) - kind(low)) * kind(255 / (high - low))
        if pixels.dtype.kind == "f":
            scaled[~np.isfinite(scaled)] = 0
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _range(pixels: np.ndarray) -> tuple[float, float] | None:
    step = max(1, pixels.size // _SAMPLES)
    for values in (pixels.reshape(-1)[::step], pixels.reshape(-1)):
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if not values.size:
            continue
        low, high = map(float, np.percentile(values, SHARES))
        if high > low:
            return low, high
        # Almost all of it is one value: what little differs is what there is to see.
        low, high = float(values.min()), float(values.max())
        if high > low:
            return low, high
    return None
