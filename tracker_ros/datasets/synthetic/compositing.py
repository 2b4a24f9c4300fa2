"""Placing cut-outs (float32 [H, W, 4], BGR premultiplied by alpha) in a frame.

Matrices are 3x3, from a cut-out's pixels to the frame's, an integer being a pixel's centre.
"""

import cv2
import numpy as np

_SUN = (9.0, 6.0)  # how far shadows fall, in frame pixels


def similarity(image: np.ndarray, x: float, y: float, turn: float, scale: float) -> np.ndarray:
    """Puts a cut-out's centre at (x, y), turned by ``turn`` degrees, 3x3."""
    height, width = image.shape[:2]
    matrix = np.eye(3)
    matrix[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
    matrix[:2, 2] += (x - width / 2, y - height / 2)
    return matrix


def _window(
    frame: np.ndarray, image: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The part of the frame that a placed cut-out touches (a view), and the way there (2x3)."""
    height, width = image.shape[:2]
    size = frame.shape[1::-1]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    corners = corners @ matrix[:2].T
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, size).astype(int)
    inner = matrix[:2].copy()
    inner[:, 2] -= (left, top)
    return frame[top:bottom, left:right], inner


def paste(frame: np.ndarray, image: np.ndarray, matrix: np.ndarray) -> None:
    """Lays a cut-out over the frame (float32 [H, W, 3], changed in place)."""
    part, inner = _window(frame, image, matrix)
    if part.size:
        cut = cv2.warpAffine(image, inner, part.shape[1::-1])
        part *= 1 - cut[..., 3:]
        part += cut[..., :3]


def cast_shadow(frame: np.ndarray, image: np.ndarray, matrix: np.ndarray) -> None:
    """A soft shadow on the ground, away from the sun whichever way the cut-out is turned."""
    fallen = matrix.copy()
    fallen[:2, 2] += _SUN
    alpha = cv2.GaussianBlur(image[..., 3], (0, 0), 9)
    part, inner = _window(frame, image, fallen)
    if part.size:
        part *= 1 - 0.6 * cv2.warpAffine(alpha, inner, part.shape[1::-1])[..., None]


def outline(image: np.ndarray) -> np.ndarray:
    """The convex outline of a cut-out's opaque part as homogeneous points, float64 [N, 3]."""
    inside = (image[..., 3] >= 0.5).astype(np.uint8)
    (contour, *_), _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(contour)[:, 0].astype(np.float64)
    return np.column_stack([hull, np.ones(len(hull))])
