"""A constant table in C: its type, its numbers, and how many bytes it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import value_error

# NumPy's type of each C type that tables and buffers have.
C_TYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "int8_t": np.dtype(np.int8),
    "uint8_t": np.dtype(np.uint8),
    "int16_t": np.dtype(np.int16),
    "uint16_t": np.dtype(np.uint16),
    "int32_t": np.dtype(np.int32),
    "uint32_t": np.dtype(np.uint32),
}
_WIDTH = 100


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers that stay in flash.

    Args:
        name: What it holds, as the end of its name in C, such as ``weights``.
        values: Its numbers, one axis, in NumPy's type of the C type.
    """

    name: str
    values: NDArray[Any]

    @property
    def c_type(self) -> str:
        """The type of its numbers in C."""
        return next(name for name, dtype in C_TYPES.items() if dtype == self.values.dtype)

    @property
    def size_bytes(self) -> int:
        """How many bytes of flash it takes."""
        return self.values.nbytes

    @property
    def lines(self) -> list[str]:
        """Its numbers as lines of C, the last without a comma at its end."""
        lines, line = [], ""
        numbers = [_literal(value) for value in self.values.tolist()]
        if self.c_type.startswith("u"):
            numbers = [f"{number}u" for number in numbers]
        for number in numbers:
            if len(line) + len(number) + 6 > _WIDTH:
                lines.append(line.rstrip())
                line = ""
            line += f"{number}, "
        return [*lines, line.rstrip(", ")]


def _literal(value: float) -> str:
    if isinstance(value, int):
        # The most negative int32 has no literal of its own in C.
        return f"({value + 1} - 1)" if value == -(2**31) else str(value)
    # Nine digits name each float32.
    text = f"{value:.9g}"
    return f"{text}f" if any(sign in text for sign in ".e") else f"{text}.0f"


def smallest_type(values: ArrayLike, *choices: str) -> str:
    """Return the first of some C types that holds all values.

    Args:
        values: Whole numbers.
        choices: Types to choose from, the smallest first.

    Raises:
        ValueError: None of them holds the values.

    >>> smallest_type([-1, 200], "int8_t", "int16_t", "int32_t")
    'int16_t'
    """
    array = np.asarray(values)
    for choice in choices:
        limits = np.iinfo(C_TYPES[choice])
        if limits.min <= array.min() and array.max() <= limits.max:
            return choice
    raise value_error(
        "values",
        received=f"numbers from {array.min()} to {array.max()}",
        expected=f"numbers that fit into {choices[-1]}",
    )


def table_of(name: str, values: ArrayLike, *choices: str) -> Table:
    """Return a table in the smallest type that holds its whole numbers.

    Args:
        name: Its name.
        values: Whole numbers, one axis.
        choices: C types to choose from, the smallest first.

    >>> table_of("biases", [3, -400], "int16_t", "int32_t").size_bytes
    4
    """
    return Table(name, np.asarray(values).astype(C_TYPES[smallest_type(values, *choices)]))
