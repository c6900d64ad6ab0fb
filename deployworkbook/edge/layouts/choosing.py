"""Choose the layout that takes the fewest bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from deployworkbook.edge.layouts.base import Layout
from deployworkbook.edge.layouts.float32 import DenseFloat32
from deployworkbook.edge.layouts.int4 import EXCESS, DenseInt4
from deployworkbook.edge.layouts.int8 import DenseInt8
from deployworkbook.edge.layouts.sparse_int4 import SparseInt4
from deployworkbook.edge.layouts.sparse_int8 import SparseInt8
from deployworkbook.validation import check_choice, value_error

LAYOUTS: Mapping[str, Any] = {
    layout.name: layout for layout in (DenseFloat32, DenseInt8, DenseInt4, SparseInt8, SparseInt4)
}


def layouts_for(weights: NDArray[Any]) -> list[Layout]:
    """List the layouts that can hold a layer's weights, the smallest first.

    Args:
        weights: float32 or int8, shape ``[in, out]``.

    >>> import numpy as np
    >>> sparse = np.zeros((784, 100), np.int8)
    >>> sparse[::40] = 3
    >>> [(layout.name, layout.flash_bytes) for layout in layouts_for(sparse)]
    [('sparse int4', 3100), ('sparse int8', 4100), ('int4', 39200), ('int8', 78400)]
    """
    if weights.dtype.kind == "f":
        return [DenseFloat32(weights)]
    found: list[Layout] = [DenseInt8(weights), SparseInt8(weights)]
    if weights.min() >= -EXCESS and weights.max() < EXCESS:
        found += [DenseInt4(weights), SparseInt4(weights)]
    return sorted(found, key=lambda layout: layout.flash_bytes)


def choose_layout(weights: NDArray[Any], name: str | None = None) -> Layout:
    """Return a layer's smallest layout, or the one that is asked for.

    Args:
        weights: float32 or int8, shape ``[in, out]``.
        name: One of ``LAYOUTS``; ``None`` for the smallest.

    Raises:
        ValueError: There is no such layout, or it can't hold these weights.
    """
    able = layouts_for(weights)
    if name is None:
        return able[0]
    check_choice("layout", name, LAYOUTS)
    for layout in able:
        if layout.name == name:
            return layout
    raise value_error(
        "layout",
        received=f"{name!r} for {weights.dtype} weights from {weights.min():g} to "
        f"{weights.max():g}",
        expected="one of " + ", ".join(repr(layout.name) for layout in able),
        remedy="Quantize the model to fewer bits, or choose another layout.",
    )
