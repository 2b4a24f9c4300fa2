"""Objects cut out along their mask, moved, and pasted elsewhere."""

import cv2
import numpy as np

from ...core.geometry.boxes import Box
from ..data.clips import View


def paste(canvas: np.ndarray, patch: np.ndarray, mask: np.ndarray, left: int, top: int) -> None:
    """Blend ``patch`` into ``canvas`` in place through ``mask`` (float [h, w, 1]).

    The patch may hang over the rim.
    """
    height, width = patch.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    below = canvas[y0:y1, x0:x1]
    canvas[y0:y1, x0:x1] = (below + (patch[part].astype(np.float32) - below) * mask[part]).astype(
        np.uint8
    )


def cut_out(view: View, side: float, stretch: float = 1.0) -> tuple[np.ndarray, np.ndarray] | None:
    """The masked object scaled to √(w·h) = ``side``: uint8 [h, w, 3] and mask float32 [h, w].

    ``stretch``: factor on w / h.
    """
    if view.mask is None:
        return None
    x, y, w, h = (round(value) for value in view.box)
    x, y = max(x, 0), max(y, 0)
    patch, mask = view.image[y : y + h, x : x + w], view.mask[y : y + h, x : x + w]
    if mask.sum() < 100:
        return None
    scale, wider = side / np.sqrt(mask.shape[0] * mask.shape[1]), np.sqrt(stretch)
    wanted = mask.shape[1] * scale * wider, mask.shape[0] * scale / wider
    size = tuple(max(int(value), 6) for value in wanted)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return (
        cv2.resize(patch, size, interpolation=method),
        cv2.resize(mask.astype(np.float32), size, interpolation=method),
    )


def streak(length: int, angle: float) -> np.ndarray:
    """Kernel of motion blur over ``length`` pixels along ``angle`` (radians), its sum 1."""
    line = np.zeros((length, length), np.float32)
    reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([(length - 1) / 2] * 2)
    start, end = (tuple(int(v) for v in np.round(p)) for p in (middle - reach, middle + reach))
    cv2.line(line, start, end, 1.0)
    return line / line.sum()


def smear(
    patch: np.ndarray, mask: np.ndarray, length: int, angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """A cut-out in motion: blurred over ``length`` pixels along ``angle``, with a rim for it."""
    kernel = streak(length, angle)
    rim = (length, length, length, length)
    mask = cv2.copyMakeBorder(mask, *rim, cv2.BORDER_CONSTANT, value=0)
    patch = cv2.copyMakeBorder(patch, *rim, cv2.BORDER_REPLICATE)
    return cv2.filter2D(patch, -1, kernel), cv2.filter2D(mask, -1, kernel)


def place(
    canvas: np.ndarray,
    patch: np.ndarray,
    mask: np.ndarray,
    centre: np.ndarray,
    angle: float,
    scale: float,
) -> Box | None:
    """Paste a cut-out turned by ``angle`` degrees; returns its box, None if hardly visible."""
    height, width = mask.shape
    side = int(np.hypot(width, height) * scale) + 4
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    turn[:, 2] += side / 2 - np.array([width, height]) / 2
    turned = cv2.warpAffine(patch, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    shape = cv2.warpAffine(mask, turn, (side, side))
    left, top = (round(value - side / 2) for value in centre)
    rows, columns = np.nonzero(shape > 0.5)
    if len(rows) < 30:
        return None
    paste(canvas, turned, shape[..., None], left, top)
    x0, y0 = columns.min() + left, rows.min() + top
    x1, y1 = columns.max() + 1 + left, rows.max() + 1 + top
    x0, y0 = max(x0, 0), max(y0, 0)
    x1, y1 = min(x1, canvas.shape[1]), min(y1, canvas.shape[0])
    return (
        (float(x0), float(y0), float(x1 - x0), float(y1 - y0))
        if x1 - x0 > 6 and y1 - y0 > 6
        else None
    )
