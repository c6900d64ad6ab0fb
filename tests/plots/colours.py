"""Colours as readers see them: in dark themes, with colour blindness, and against each other."""

import re

import numpy as np
from matplotlib.colors import to_rgba

from deployworkbook.plots.panels import DARK_FILTER

# What WCAG 2 asks of texts, and of graphics.
TEXT, GRAPHICS = 4.5, 3.0

# How people see linear red, green and blue who lack one kind of cones: G. Machado, M. Oliveira and
# L. Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009.
SIGHTS = {
    "all cones": np.eye(3),
    "no long ones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no middle ones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no short ones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

# B. Ottosson, "A perceptual color space for image processing", 2020: Oklab from linear colours.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def on_white(colour):
    """Red, green and blue from 0 to 1 of any of matplotlib's colours, as drawn on white."""
    red_green_blue, opacity = np.array(to_rgba(colour)[:3]), to_rgba(colour)[3]
    return red_green_blue * opacity + 1 - opacity


def in_the_dark(colour):
    """A colour after the filters, as the CSS filter effects module defines them."""
    share = float(re.search(r"invert\(([\d.]+)\)", DARK_FILTER)[1])
    inverted = share - (2 * share - 1) * on_white(colour)
    # hue-rotate(180deg): the cosine is -1 and the sine 0.
    grey = np.array([0.213, 0.715, 0.072])
    return np.clip(2 * inverted @ grey - inverted, 0, 1)


FORMS = {"light": on_white, "dark": in_the_dark}


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return linear(colour) @ np.array([0.2126, 0.7152, 0.0722])


def contrast(first, second):
    """The ratio of WCAG 2: (L1 + 0.05) / (L2 + 0.05), by relative luminance."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def least_contrast(colour):
    """The contrast with the paper, in the form of the picture where it is less."""
    return min(contrast(form(colour), form("white")) for form in FORMS.values())


def distance(first, second, sight):
    """How different two colours look; about 2 can just be told apart side by side."""
    seen = [np.clip(sight @ linear(colour), 0, 1) for colour in (first, second)]
    one, other = (TO_OKLAB @ np.cbrt(TO_CONES @ colour) for colour in seen)
    return 100 * np.linalg.norm(one - other)
