"""A line of the bill before it is rounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.breakdown import Kind

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BillLine:
    """A part before rounding; each value may be a number or an array.

    Args:
        kind: One of the four kinds of cost.
        name: What is paid for.
        quantity: Quantity per month.
        unit: Unit of the quantity.
        cost_usd: Cost of the quantity.
    """

    kind: Kind
    name: str
    quantity: Array
    unit: str
    cost_usd: Array
