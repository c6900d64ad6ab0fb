"""One layer as the microcontroller runs it: its sums, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.layouts.base import Layout
from deployworkbook.edge.rescaling import Rescaling
from deployworkbook.edge.tables import C_TYPES, Table, table_of
from deployworkbook.validation import value_error

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Step:
    """A layer, ready to be written in C.

    Args:
        layout: Its weights in flash.
        bias: Added to its sums: float32, or whole numbers.
        input_type: C type of its inputs.
        output_type: C type of its outputs.
        relu: Whether negative sums become 0.
        rescaling: How sums become outputs; ``None`` if they are the outputs.
        zero_point: Added to what is rescaled.
        limits: The smallest and the largest output; ``None`` where none is needed.
    """

    layout: Layout
    bias: NDArray[Any]
    input_type: str
    output_type: str
    relu: bool
    rescaling: Rescaling | None = None
    zero_point: int = 0
    limits: tuple[int, int] | None = None

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return int(self.layout.weights.shape[0])

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.layout.weights.shape[1])

    @property
    def sum_type(self) -> str:
        """C type of its sums."""
        return "float" if self.output_type == "float" else "int32_t"

    @property
    def finishes(self) -> bool:
        """Whether sums aren't yet the outputs."""
        return self.relu or self.rescaling is not None

    @cached_property
    def tables(self) -> list[Table]:
        """All its tables."""
        others = [] if self.rescaling is None else self.rescaling.tables()
        return [*self.layout.tables(), self._biases, *others]

    @property
    def flash_bytes(self) -> int:
        """Bytes of its tables, counted without building those of the weights."""
        others = 0 if self.rescaling is None else self.rescaling.flash_bytes
        return self.layout.flash_bytes + self._biases.size_bytes + others

    @property
    def buffer_bytes(self) -> int:
        """Bytes of its outputs in RAM."""
        return self.outputs * C_TYPES[self.output_type].itemsize

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """Map inputs ``[n, in]`` to outputs ``[n, out]``, as the C code does.

        Whole numbers are exact, floats are added in another order.
        """
        if self.output_type == "float":
            floats: NDArray[Any] = values.astype(np.float32) @ self.layout.weights + self.bias
            return np.maximum(floats, 0) if self.relu else floats
        # In float64, because its matrix product is fast; it is exact up to 2^53.
        products = values.astype(np.float64) @ self.layout.weights.astype(np.float64)
        sums: NDArray[Any] = products.astype(np.int64) + self.bias
        if self.relu:
            sums = np.maximum(sums, 0)
        if self.rescaling is not None:
            sums = self.rescaling.apply(sums) + self.zero_point
        return sums if self.limits is None else np.asarray(np.clip(sums, *self.limits))

    @property
    def _biases(self) -> Table:
        if self.output_type == "float":
            return Table("biases", self.bias.astype(np.float32))
        return table_of("biases", self.bias, "int16_t", "int32_t")


@dataclass(frozen=True, eq=False)
class Bounds:
    """How far whole sums can go, whatever the image.

    Args:
        highest: The largest sum of each output.
        magnitude: The largest magnitude on the way to it, in whatever order products are added.
    """

    highest: NDArray[np.float64]
    magnitude: NDArray[np.float64]


def bounds_of(weights: NDArray[np.int8], bias: NDArray[Any], inputs: NDArray[np.float64]) -> Bounds:
    """Return bounds of a layer's sums.

        highest = b + Σ max(w, 0) x,  magnitude = |b| + Σ |w| x

    Args:
        weights: w, shape ``[in, out]``.
        bias: b, whole numbers.
        inputs: x, the largest value of each input; the smallest is 0.

    >>> bounds_of(np.array([[2], [-3]]), np.array([10]), np.array([255.0, 1.0])).highest
    array([520.])
    """
    positive = inputs @ np.maximum(weights, 0)
    return Bounds(bias + positive, np.abs(bias) + inputs @ np.abs(weights.astype(np.float64)))


def check_int32(magnitude: NDArray[np.float64]) -> None:
    """Check that sums fit into int32.

    Raises:
        ValueError: One can exceed it.
    """
    if magnitude.max() > INT32.max:
        raise value_error(
            "sums",
            received=f"sums that can reach {magnitude.max():,.0f}",
            expected=f"at most {INT32.max:,}, which int32_t holds",
            remedy="Use fewer inputs, or fewer bits per weight.",
        )
