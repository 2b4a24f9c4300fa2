"""One colour for each target and each branch, the same in every picture and on every machine."""

import colorsys
import re
import zlib

BRANCH_COLOURS = ("#b8bfc6", "#4c78a8", "#f2a93b", "#c44e52")  # of ``core.gate.BRANCHES``
_GOLDEN = 0.618034  # of the colour circle: neighbours in number are far apart in hue


def colour_of(target_id: str) -> tuple[float, float, float]:
    """Red, green and blue in [0, 1] for a target's id."""
    digits = re.search(r"[0-9]{1,9}$", target_id)
    number = int(digits[0]) if digits else zlib.crc32(target_id.encode())
    return colorsys.hsv_to_rgb((0.33 + _GOLDEN * (number - 1)) % 1.0, 0.75, 1.0)
