"""What all layouts share."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from deployworkbook.edge.tables import Table


class Layout(Protocol):
    """A layer's weights as tables in flash, and the loop that reads them."""

    name: str
    # The template of its loop in C.
    kernel: str
    # Whether the loop finishes one output after another; else all sums grow together.
    by_output: bool

    @property
    def weights(self) -> NDArray[Any]:
        """The weights, shape ``[in, out]``."""

    @property
    def flash_bytes(self) -> int:
        """Bytes of its tables, counted without building them."""

    def tables(self) -> list[Table]:
        """Build the tables."""
