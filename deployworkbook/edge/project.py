"""A model in C as files in a folder, and what others need to know of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.integer_softmax import integer_softmax
from deployworkbook.formulas.quantization import Grid
from deployworkbook.validation import value_error

RECORD = "model.json"
# LiteRT's grid of int8 probabilities.
_PROBABILITIES = Grid(np.array(1 / 256), np.array(-128), -128, 127)


@dataclass(frozen=True)
class CProject:
    """A model in C.

    Args:
        directory: The folder of its files.
        variant: Name of the variant.
        arithmetic: ``"float32"``, ``"stored integers"`` or ``"int8"``.
        layouts: Name of each layer's layout.
        sizes: Pixels, units of each layer, classes.
        score_type: C type of the scores.
        score_step: Step of a score.
        table_bytes: Flash for its tables, known before it is compiled.
        buffer_bytes: RAM between its layers, known before it is compiled.
    """

    directory: Path
    variant: str
    arithmetic: str
    layouts: tuple[str, ...]
    sizes: tuple[int, ...]
    score_type: str
    score_step: float
    table_bytes: int
    buffer_bytes: int

    @property
    def pixels(self) -> int:
        """Number of pixels of an image, a byte each."""
        return self.sizes[0]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.sizes[-1]

    @property
    def sources(self) -> list[Path]:
        """The C files that make up the model."""
        return [self.directory / "model.c"]

    def probabilities(self, scores: NDArray[Any]) -> NDArray[np.float32]:
        """Turn scores into probabilities.

            p = softmax(score_step · scores)

        For int8, they are LiteRT's, to the last bit: multiples of 1/256.

        Args:
            scores: Shape ``[n, classes]``.
        """
        if self.arithmetic == "int8":
            grid = Grid(np.array(self.score_step), np.array(0), -128, 127)
            steps = integer_softmax(scores, logit_grid=grid, output_grid=_PROBABILITIES)
            return (steps.astype(np.float32) + np.float32(128)) * np.float32(1 / 256)
        return softmax(np.asarray(scores, np.float64) * self.score_step).astype(np.float32)

    def record(self) -> str:
        """Return what ``read_project`` reads back, as JSON."""
        return json.dumps({**asdict(self), "directory": "."}, indent=2) + "\n"


def read_project(directory: Path) -> CProject:
    """Read what ``export_c`` has written into a folder.

    Args:
        directory: The folder.

    Raises:
        FileNotFoundError: There is no such project.
        ValueError: Its record is damaged.
    """
    path = Path(directory) / RECORD
    try:
        found = json.loads(path.read_text())
        found["layouts"], found["sizes"] = tuple(found["layouts"]), tuple(found["sizes"])
        return CProject(**{**found, "directory": Path(directory)})
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{directory} has no model in C. Write one: export_c(variant, directory)."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise value_error(
            str(path),
            received=f"a damaged record ({error})",
            expected="the JSON that export_c wrote",
            remedy="Export the model again.",
        ) from error
