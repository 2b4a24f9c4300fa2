"""Pictures of another size than the one that a target was started in."""

import logging
from contextlib import AbstractContextManager

import numpy as np

logger = logging.getLogger(__name__)


class OneSize(AbstractContextManager):
    """Knows pictures of another size, whose pixels mean other places, and tells how many.

    Args:
        source: whose pictures they are, in words.
        what: what becomes of them, in words.
    """

    def __init__(self, source: str, what: str):
        self._source, self._what = source, what
        self._size: tuple[int, int] | None = None
        self._count, self._others = 0, ""

    def fits(self, image: np.ndarray, name: str) -> bool:
        """Whether a picture, uint8 [H, W, 3], is of the size of the first that was asked about."""
        size = image.shape[1], image.shape[0]
        self._size = self._size or size
        if size == self._size:
            return True
        self._count += 1
        self._others = self._others or "{} is of {}x{}".format(name, *size)
        return False

    def __exit__(self, *exc: object) -> None:
        """Log a warning that names them, if there were any."""
        if self._count and self._size:
            logger.warning(
                "%s: pictures of another size than the target's first, %dx%d, %s: %d, of which %s",
                *(self._source, *self._size, self._what, self._count, self._others),
            )
