"""PNG encoding of nearly identical pictures: only changed pixels are processed."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deployworkbook.plots.panels import Panels, Strip

# A PNG's palette has 256 colours: some for the still picture, the rest for the moving parts.
STILL_COLOURS = 112
COLOURS = 256
RED_GREEN_BLUE = 3
# Above this share of changed pixels, encoding the whole picture is faster.
LARGEST_SHARE = 0.5


class PaletteEncoder:
    """Encode pictures that differ little from a still one.

    With a palette, PNGs take half the bytes of full colour in half the time, because the encoder
    tries no filters. Finding the palette is most of the work; it is done once for the still picture
    and each time for the changed pixels. An octree matches most pixels within 16 of 255, with
    slightly larger errors where very many colours are blended.

    Args:
        still: Colours of the pixels, shape ``[height, width, 4]``, the fourth unused.

    >>> still = np.full((2, 3, 4), 255, np.uint8)
    >>> moved = still.copy()
    >>> moved[1, 1] = (0, 0, 0, 255)
    >>> picture = Image.open(io.BytesIO(PaletteEncoder(still).png(moved))).convert("RGB")
    >>> picture.getpixel((0, 0)), picture.getpixel((1, 1))
    ((255, 255, 255), (0, 0, 0))
    """

    def __init__(self, still: NDArray[np.uint8]) -> None:
        # One number per pixel, so that a pixel takes one comparison.
        self._dots = _as_numbers(still).copy()
        self._places, self._palette = _quantize(self._dots, STILL_COLOURS)

    def png(self, picture: NDArray[np.uint8]) -> bytes:
        """Encode a picture with the shape of the still one."""
        return _encode(*self._indexed(picture))

    def panels(self, picture: NDArray[np.uint8], strips: Sequence[Strip]) -> Panels:
        """Encode the panels of a picture with the shape of the still one.

        Args:
            picture: Colours of the pixels.
            strips: Parts of the picture.
        """
        places, palette = self._indexed(picture)
        return [
            [
                box.right - box.left
                if box.is_blank
                else _encode(places[box.top : box.bottom, box.left : box.right], palette)
                for box in strip
            ]
            for strip in strips
        ]

    def _indexed(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return each pixel's palette index, shape ``[height, width]``, and the palette."""
        shape = picture.shape[:2]
        dots = _as_numbers(picture)
        has_changed = dots != self._dots
        count = np.count_nonzero(has_changed)
        if count > LARGEST_SHARE * len(dots):
            places, palette = _quantize(dots, COLOURS)
            return places.reshape(shape), palette
        if count == 0:
            return self._places.reshape(shape), self._palette
        changed = np.flatnonzero(has_changed)
        moved, moved_palette = _quantize(dots[changed], COLOURS - len(self._palette))
        places = self._places.copy()
        places[changed] = moved + len(self._palette)
        return places.reshape(shape), np.concatenate([self._palette, moved_palette])


def _encode(places: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    height, width = places.shape
    image = Image.frombuffer("P", (width, height), places.tobytes())
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def _as_numbers(picture: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(picture).view(np.uint32).ravel()


def _quantize(
    dots: NDArray[np.uint32], colours: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return each pixel's palette index, and the palette, shape ``[colours, 3]``."""
    row = Image.frombuffer("RGBA", (len(dots), 1), dots.tobytes()).convert("RGB")
    few = row.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.array(few.getpalette("RGB"), np.uint8).reshape(-1, RED_GREEN_BLUE)
    return np.asarray(few).ravel(), palette
