"""A contact sheet of training samples: what the network sees."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...core.io.pictures import write_picture
from .sampling import Sample

GREEN, RED, WHITE = (60, 220, 60), (60, 60, 240), (235, 235, 235)
CAPTION, GAP, COLUMNS = 16, 6, 4  # pixels, pixels, samples in a row
PREVIEWED = 40  # samples on a sheet


def contact_sheet(samples: Sequence[Sample], columns: int = COLUMNS) -> np.ndarray:
    """Draw samples in a grid: uint8 [H, W, 3] BGR.

    Each shows its memory crops, then its queries, with their boxes (green; red in a negative pair),
    below the name of its set.
    """
    tiles = [_tile(sample) for sample in samples]
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 40, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        y, x = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[y : y + height, x : x + width] = tile
    return sheet


def write_contact_sheet(samples: Sequence[Sample], path: Path) -> None:
    """Write the contact sheet as a picture. Raises as ``write_picture``."""
    write_picture(path, contact_sheet(samples))


def _tile(sample: Sample) -> np.ndarray:
    crops = [
        *zip(sample.memory, sample.memory_boxes, strict=True),
        *zip(sample.queries, sample.query_boxes, strict=True),
    ]
    width = sum(image.shape[1] for image, _ in crops) + GAP * (len(crops) - 1)
    tile = np.full((CAPTION + max(len(image) for image, _ in crops), width, 3), 40, np.uint8)
    left = 0
    for number, (image, box) in enumerate(crops):
        colour = RED if number >= len(sample.memory) and not sample.positive else GREEN
        height, width = image.shape[:2]
        tile[CAPTION : CAPTION + height, left : left + width] = _boxed(image, box, colour)
        left += width + GAP
    caption = f"{sample.source} {'positive' if sample.positive else 'NEGATIVE'}"
    cv2.putText(tile, caption, (0, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.42, WHITE, 1, cv2.LINE_AA)
    return tile


def _boxed(image: np.ndarray, box: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    x, y, w, h = box
    corners = [(round(float(a)), round(float(b))) for a, b in ((x, y), (x + w - 1, y + h - 1))]
    return cv2.rectangle(image.copy(), *corners, colour, 1)
