"""Integer kernels as few bytes: contexts foresee the weights, lanes of numbers store them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.weight_contexts import Contexts, Counts, Integers
from deployworkbook.formulas.coded_lanes import LaneDecoder, Step, encode_lanes

# Bits of a weight; weights are from -HIGHEST to HIGHEST.
BITS = 4
HIGHEST = 2 ** (BITS - 1) - 1

# A lane costs four bytes beyond its symbols: its last number, of which two bytes carry biases. So
# two weights of a row share a lane, one after the other: half of the lanes, for half as much time
# again.
ROUNDS = 2


class _Coder(Protocol):
    def code(
        self, counts: Counts, contexts: Integers, units: Integers, known: Integers
    ) -> Integers:
        """Write a known symbol of each unit, or find out which it is; return the symbols."""


class _Writer:
    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self.steps: list[Step] = []

    def code(
        self, counts: Counts, contexts: Integers, units: Integers, known: Integers
    ) -> Integers:
        starts, frequencies = counts.widths(contexts, known)
        for part, lanes in _rounds(units, self._lanes):
            self.steps.append(Step(lanes, starts[part], frequencies[part]))
        return known


class _Reader:
    def __init__(self, decoder: LaneDecoder, lanes: int) -> None:
        self._decoder, self._lanes = decoder, lanes

    def code(
        self, counts: Counts, contexts: Integers, units: Integers, known: Integers
    ) -> Integers:
        found = np.empty(len(units), np.int64)
        for part, lanes in _rounds(units, self._lanes):
            symbols = counts.symbols(contexts[part], self._decoder.slots(lanes))
            self._decoder.advance(Step(lanes, *counts.widths(contexts[part], symbols)))
            found[part] = symbols
        return found


def _rounds(units: Integers, lanes: int) -> Iterator[tuple[slice, Integers]]:
    """Split ascending units into rounds of different lanes: where they are, and their lanes."""
    middle = int(np.searchsorted(units, lanes))
    if middle:
        yield slice(0, middle), units[:middle]
    if middle < len(units):
        yield slice(middle, None), units[middle:] - lanes


def lanes_of(shapes: Sequence[tuple[int, int]]) -> int:
    """Return how many lanes kernels of some shapes take.

    Args:
        shapes: ``[in, out]`` of each; the first one's rows are inputs, those of others outputs.
    """
    first, *others = shapes
    return -(-max([first[1], *(inputs for inputs, _ in others)]) // ROUNDS)


def rows_of(shapes: Sequence[tuple[int, int]]) -> int:
    """Return how many rows are coded one after another: a fraction of a millisecond each.

    Args:
        shapes: As in ``lanes_of``.
    """
    return shapes[0][0] + sum(outputs for _, outputs in shapes[1:])


def encode_kernels(
    kernels: Sequence[NDArray[np.int8]], *, side: int | None, carried: Integers
) -> bytes:
    """Write integer kernels.

    Args:
        kernels: From -7 to 7, shape ``[in, out]`` each.
        side: Width of the image that the first one sees; ``None`` if it sees none.
        carried: 16 bits for each lane, see ``encode_lanes``.
    """
    writer = _Writer(len(carried))
    first, *others = (kernel.astype(np.int64) for kernel in kernels)
    _walk(writer, first, side)
    for kernel in others:
        _walk(writer, kernel.T.copy(), None)
    return encode_lanes(writer.steps, carried)


def decode_kernels(
    content: bytes, shapes: Sequence[tuple[int, int]], *, side: int | None
) -> tuple[list[NDArray[np.int8]], Integers]:
    """Read kernels of known shapes.

    Args:
        content: What ``encode_kernels`` returned.
        shapes: ``[in, out]`` of each.
        side: As it was given then.

    Returns:
        The kernels, and what the lanes carried.

    Raises:
        ValueError: The content is damaged.
    """
    lanes = lanes_of(shapes)
    decoder = LaneDecoder(content, lanes)
    reader, kernels = _Reader(decoder, lanes), []
    for number, (inputs, outputs) in enumerate(shapes):
        blank = np.zeros((outputs, inputs) if number else (inputs, outputs), np.int64)
        kernel = _walk(reader, blank, None if number else side)
        kernel = kernel.T if number else kernel
        kernels.append(np.ascontiguousarray(kernel, np.int8))
    return kernels, decoder.close()


def _walk(coder: _Coder, weights: Integers, side: int | None) -> Integers:
    """Take one kernel row by row: first which weights are 0, then the others' values."""
    rows, lanes = weights.shape
    contexts = Contexts(rows, lanes, side)
    flags = Counts(contexts.flag_prior, 1)
    values = Counts(np.full((contexts.SIGNS * contexts.SIZES, 2 * HIGHEST), 1), 4)
    every = np.arange(lanes)
    for row in range(rows):
        known = weights[row]
        context = contexts.flags(row)
        flag = coder.code(flags, context, every, (known != 0).astype(np.int64))
        flags.see(context, flag)
        active = np.flatnonzero(flag)
        if len(active):
            context = contexts.values(row)[active]
            # -7 … -1 and 1 … 7 as 0 … 13.
            place = known[active]
            symbol = coder.code(values, context, active, place + HIGHEST - (place > 0))
            values.see(context, symbol)
            weights[row, active] = symbol - HIGHEST + (symbol >= HIGHEST)
        contexts.put(row, weights[row])
    return weights
