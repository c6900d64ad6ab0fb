"""A dense layer as a file stores it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from deployworkbook.formulas.quantization import Grid
from deployworkbook.validation import check_array


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """Weights and biases of one dense layer, in their own types.

    Args:
        weights: float32 or int8, shape ``[in, out]``.
        bias: float32; or int32 in steps of the input's scale times the weights', if the layer
            computes in int8. Shape ``[out]``.
        scale: Of integer weights: float32, one number or one per output; ``None`` for floats.
        output_grid: Grid of the outputs, if the layer computes in int8.
    """

    weights: NDArray[Any]
    bias: NDArray[Any]
    scale: NDArray[Any] | None = None
    output_grid: Grid | None = None

    def __post_init__(self) -> None:
        check_array("weights", self.weights, ndim=2)
        check_array("bias", self.bias, ndim=1, shape=self.weights.shape[1:])
