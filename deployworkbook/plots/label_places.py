"""Places for the labels of markers, where they cover neither each other nor a marker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

# Size of a digit at 11 points, generously.
LETTER_WIDTH, LETTER_HEIGHT = 7.6, 12.0
# Directions to try, in this order: up right, up left, down right, down left, right, left, up, down.
DIRECTIONS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
# Distances from a marker to its label, from close by to far off.
GAPS = (1.0, 9.0, 18.0, 28.0, 40.0)

# Left, bottom, right and top.
Box = tuple[float, float, float, float]


def label_offsets(
    centres: ArrayLike, texts: Sequence[str], *, reaches: Sequence[float], bounds: ArrayLike
) -> list[tuple[float, float]]:
    """Choose the offset of each label's centre from its marker's centre.

    Labels are placed one after the other, each at the first place where it covers neither another
    label nor a marker and stays within the bounds; if there is none, where it covers least.

    Args:
        centres: Centres of the markers, in points of 1/72 inch, shape ``[n, 2]``.
        texts: The labels, ``n`` short texts of 11 points.
        reaches: Half the width of each marker, in points.
        bounds: Left and bottom, right and top, in points, shape ``[2, 2]``.

    Returns:
        An offset to the right and up for each label, in points.

    >>> label_offsets([[50, 50], [50, 50]], ["1", "2"], reaches=[4, 4], bounds=[[0, 0], [99, 99]])
    [(8.8, 11.0), (-8.8, 11.0)]
    """
    at = np.asarray(centres, float)
    (left, bottom), (right, top) = np.asarray(bounds, float)
    taken = [_box(x, y, reach, reach) for (x, y), reach in zip(at.tolist(), reaches, strict=True)]
    offsets = []
    for (x, y), text, reach in zip(at.tolist(), texts, reaches, strict=True):
        half_width, half_height = LETTER_WIDTH * len(text) / 2, LETTER_HEIGHT / 2
        choices: list[tuple[float, int, tuple[float, float], Box]] = []
        for gap in GAPS:
            for across, up in DIRECTIONS:
                dx = across * (reach + gap + half_width)
                dy = up * (reach + gap + half_height)
                box = _box(x + dx, y + dy, half_width, half_height)
                inside = _overlap(box, (left, bottom, right, top))
                outside = 4 * half_width * half_height - inside
                covered = outside + sum(_overlap(box, other) for other in taken)
                choices.append((round(covered, 3), len(choices), (dx, dy), box))
        _, _, (dx, dy), box = min(choices)
        taken.append(box)
        offsets.append((round(dx, 3), round(dy, 3)))
    return offsets


def _box(x: float, y: float, half_width: float, half_height: float) -> Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
