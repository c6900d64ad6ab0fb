"""Fewer inputs for private training: pixels of a square share their weights.

Neighbouring pixels are alike, which is known without looking at the images. So little is lost when
they are added up, and there are only a quarter as many weights to add noise to. In the end each
pixel gets its square's weights, and the network takes whole images.
"""

from __future__ import annotations

import numpy as np

from deployworkbook.privacy.networks import PIXELS, Floats, Weights, flat
from deployworkbook.training.mnist import IMAGE_SHAPE

# Pixels along a side of a square.
SIDE = 2
# Subtracted from all pixels, as MNIST is published with it: else all images would share a large
# part, and much of every clipped gradient would be spent on it.
MEAN_PIXEL = 0.1307


def in_squares(images: Floats) -> Floats:
    """Add up centred pixels in squares, scaled so that images keep about their norm."""
    height, width = (size // SIDE for size in IMAGE_SHAPE)
    squares = images.reshape(len(images), height, SIDE, width, SIDE).sum(axis=(2, 4))
    return flat(squares / np.float32(SIDE) - np.float32(SIDE * MEAN_PIXEL))


def for_pixels(weights: Weights) -> Weights:
    """Give each pixel its square's weights, and the bias what the mean pixel adds up to."""
    height, width = (size // SIDE for size in IMAGE_SHAPE)
    kernel = weights[0].reshape(height, width, -1) / np.float32(SIDE)
    whole = kernel.repeat(SIDE, axis=0).repeat(SIDE, axis=1).reshape(PIXELS, -1)
    return [whole, weights[1] - np.float32(MEAN_PIXEL) * whole.sum(axis=0), *weights[2:]]
