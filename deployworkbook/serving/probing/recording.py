"""Record golden images: choose some of known classes, and ask the released model for them."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.serving.probing.golden import Golden, GoldenImage
from deployworkbook.serving.probing.rest import RestServer
from deployworkbook.validation import check_array, check_number, describe, value_error

WHITE = 255
LATENCY_MS = 250.0
# No more images per request than a server's batches usually allow.
AT_ONCE = 32
# Of two images per class, one is doubtful, but not so much that rounding could change its class.
MARGIN = 0.1


def record_golden(
    address: str,
    images: ArrayLike,
    labels: ArrayLike,
    *,
    model: str,
    latency_ms: float = LATENCY_MS,
    tolerance: float = 0.01,
) -> Golden:
    """Choose golden images, and record what a released model answers to them.

    Per class two images are chosen that the model classifies correctly: one that it finds as easy
    as most, and the most doubtful one. The doubtful ones notice small changes; the easy ones notice
    large ones even where scores saturate.

    Args:
        address: ``http://HOST:PORT`` of a server with the released model.
        images: Candidates, shape ``[n, …]`` with the model's input, values in 0 … 1. Some hundreds
            do. Grey values are rounded to 256 steps.
        labels: Their classes, shape ``[n]``.
        model: The model's name on the server.
        latency_ms: Budget for the median time of a request for one image, in ms.
        tolerance: How far a score may later be from its value now. The same model on another
            processor differs by about 1e-6.

    Raises:
        ConnectionError: The server doesn't answer, or has no such model.
        ValueError: The images don't suit the model, or it classifies none of a class correctly.
    """
    check_number("latency_ms", latency_ms, 0, open_low=True)
    check_number("tolerance", tolerance, 0, open_low=True)
    pixels = _grey_values(images)
    truth = np.asarray(labels).astype(int)
    if truth.shape != pixels.shape[:1]:
        expected = f"{len(pixels)}, one per image"
        raise value_error("labels", received=describe(truth), expected=expected)
    server = RestServer(address)
    try:
        version, inputs, outputs = server.metadata(model)
        _check_shape(pixels, inputs)
        scores = np.array(
            [
                row
                for start in range(0, len(pixels), AT_ONCE)
                for row in server.scores(model, (pixels[start : start + AT_ONCE] / WHITE).tolist())
            ]
        )
    finally:
        server.close()
    chosen = tuple(
        GoldenImage(
            base64.b64encode(pixels[place].tobytes()).decode(),
            int(truth[place]),
            tuple(map(float, scores[place])),
        )
        for place in _choose(scores, truth)
    )
    return Golden(model, version, inputs, outputs, WHITE, latency_ms, tolerance, chosen)


def _grey_values(images: ArrayLike) -> NDArray[np.uint8]:
    values = check_array("images", images)
    if values.min() < 0 or values.max() > 1:
        received = f"values from {values.min():g} to {values.max():g}"
        raise value_error("images", received=received, expected="values from 0 to 1")
    return np.rint(values * WHITE).astype(np.uint8)


def _check_shape(pixels: NDArray[np.uint8], inputs: dict[str, dict[str, object]]) -> None:
    shapes = [tensor["shape"] for tensor in inputs.values()]
    sizes = list(pixels.shape[1:])
    if len(shapes) != 1 or not isinstance(shapes[0], list) or shapes[0][1:] != sizes:
        raise value_error(
            "images",
            received=f"images of shape {sizes}",
            expected=f"one input of the model's shape, {shapes}, without the first axis",
        )


def _choose(scores: NDArray[np.float64], truth: NDArray[np.int_]) -> list[int]:
    """Choose two images per class; return their places."""
    ordered = np.sort(scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    is_right = (scores.argmax(axis=1) == truth) & (margin >= MARGIN)
    chosen: list[int] = []
    for label in np.unique(truth):
        places = np.flatnonzero(is_right & (truth == label))
        if not len(places):
            raise value_error(
                "model",
                received=f"no image of class {label} that it clearly classifies correctly",
                expected="the released model, which gets some of each class right",
                remedy="Give more images, or look whether they are scaled as in training.",
            )
        by_margin = places[np.argsort(margin[places], kind="stable")]
        chosen += sorted({int(by_margin[len(by_margin) // 2]), int(by_margin[0])})
    return chosen
