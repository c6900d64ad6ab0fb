"""Golden images: what a released model answered, as a file to compare later answers with.

Only Python's standard library is used: see ``__main__``.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class GoldenImage:
    """An image whose answer is known.

    Args:
        pixels: Grey values from 0 to 255, row by row, in Base64.
        label: Its class, an index into the scores.
        scores: What the model answered at its release, one number per class.
    """

    pixels: str
    label: int
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Golden:
    """What a released model answered, to compare later answers with.

    Args:
        model: The model's name on the server.
        version: The version that was released.
        inputs: Type and shape of each input, by name, as the server's metadata state them.
        outputs: The same of each output.
        white: The grey value that the model takes as 1: what pixels are divided by.
        latency_ms: Budget for the median time of a request for one image, in ms.
        tolerance: How far a score may be from its value at the release.
        images: The images and their answers, at least one.
    """

    model: str
    version: int
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    white: float
    latency_ms: float
    tolerance: float
    images: tuple[GoldenImage, ...]

    @property
    def shape(self) -> list[int]:
        """The shape of an image, as the model takes it."""
        ((_, tensor),) = self.inputs.items()
        return list(tensor["shape"][1:])

    def instances(self, images: Sequence[GoldenImage]) -> list[Any]:
        """Write images as the model takes them: scaled, and nested as its input's shape."""
        shape = self.shape
        return [_nested([p / self.white for p in _bytes(image)], shape) for image in images]

    def to_json(self) -> str:
        """Write it as JSON, one image per line."""
        plain = asdict(self)
        images = ",\n  ".join(json.dumps(image) for image in plain.pop("images"))
        return json.dumps(plain, indent=1)[:-2] + f',\n "images": [\n  {images}\n ]\n}}\n'

    @classmethod
    def from_json(cls, text: str, name: str = "golden") -> Golden:
        """Read it from JSON.

        Args:
            text: What ``to_json`` wrote.
            name: What to call it in errors.

        Raises:
            ValueError: It is something else, or damaged.
        """
        try:
            plain = json.loads(text)
            images = tuple(
                GoldenImage(each["pixels"], int(each["label"]), tuple(map(float, each["scores"])))
                for each in plain.pop("images")
            )
            golden = cls(**plain, images=images)
            golden.instances(images)
            if not images:
                raise ValueError("no images")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{name}: expected golden images as JSON. Received: something else ({error}). "
                "Record them again: deployworkbook probe ADDRESS --model NAME --record."
            ) from error
        return golden


def _bytes(image: GoldenImage) -> bytes:
    try:
        return base64.b64decode(image.pixels, validate=True)
    except binascii.Error as error:
        raise ValueError(f"pixels that aren't Base64: {error}") from error


def _nested(values: list[float], sizes: Sequence[int]) -> Any:
    """Nest a flat list by the sizes of its axes."""
    if len(values) != math.prod(sizes):
        raise ValueError(f"{len(values)} pixels for an image of shape {list(sizes)}")
    nested: list[Any] = list(values)
    for size in reversed(sizes[1:]):
        nested = [nested[n : n + size] for n in range(0, len(nested), size)]
    return nested
