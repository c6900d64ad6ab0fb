"""Run a model file on as many examples at a time as it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from deployworkbook.serving.embedded.engine import Array, Tensor
from deployworkbook.serving.embedded.errors import invalid

# How many kinds of calls an engine remembers as checked.
MOST_PLANS = 256


def feeds_key(feeds: Sequence[str], fetches: Sequence[str], arrays: Sequence[Array]) -> Hashable:
    """Return what calls have in common that are checked and divided alike."""
    kinds = [(array.shape, array.dtype) for array in arrays]
    return tuple(feeds), tuple(fetches), *kinds


def check_values(inputs: Sequence[Tensor], arrays: Sequence[Array]) -> None:
    """Raise an error for arrays that a model file's inputs can't hold.

    The first axis may have any size, because ``rows_at_a_time`` looks at it.

    Raises:
        ServingError: A type or shape differs.
    """
    for tensor, array in zip(inputs, arrays, strict=True):
        if array.dtype != tensor.dtype:
            raise invalid(f"Input {tensor.name} takes {tensor.dtype}. Received: {array.dtype}.")
        fits = len(array.shape) == len(tensor.shape) and all(
            size in (None, given)
            for size, given in zip(tensor.shape[1:], array.shape[1:], strict=True)
        )
        if not fits:
            raise invalid(
                f"Input {tensor.name} takes the shape {_written(tensor.shape)}. "
                f"Received: {list(array.shape)}."
            )


def rows_at_a_time(
    arrays: Sequence[Array],
    *,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    most: float = math.inf,
) -> int:
    """Choose how many examples run together; 0 for all of them.

    A file may fix the first axis of its inputs and outputs, often to 1: then it runs once per that
    many examples. Otherwise up to ``most`` run together, which bounds the memory for what lies
    between the inputs and the outputs.

    Args:
        arrays: The inputs, which ``check_values`` has checked.
        inputs: The declared inputs, in the order of the arrays.
        outputs: The declared outputs.
        most: Maximum number of examples at a time, for a file that takes any number.

    Raises:
        ServingError: The number of examples is no multiple of what the file takes.

    >>> one = Tensor("x", np.dtype("float32"), (1, 2))
    >>> rows_at_a_time([np.ones((3, 2), np.float32)], inputs=[one], outputs=[one])
    1
    """
    first = {tensor.shape[0] if tensor.shape else 0 for tensor in (*inputs, *outputs)}
    counts = {array.shape[0] if array.shape else -1 for array in arrays}
    if len(first) > 1 or len(counts) > 1 or 0 in first:
        # An axis that isn't the examples': the model takes it as it is, or not at all.
        _check_first_axes(inputs, arrays)
        return 0
    (size,), (count,) = first, counts
    if size and count % size:
        raise invalid(f"The model takes {size} examples at a time. Received: {count}.")
    if size:
        return 0 if count == size else size
    return 0 if 0 < count <= most else int(min(most, count)) or 1


def run_in_pieces(
    run: Callable[[list[Array]], list[Array]],
    arrays: list[Array],
    *,
    size: int,
    outputs: Sequence[Tensor],
) -> list[Array]:
    """Run a model on some examples at a time, and join the answers.

    Args:
        run: The model.
        arrays: Its inputs.
        size: How many examples at a time, as ``rows_at_a_time`` chooses it, at least 1.
        outputs: The declared outputs.

    >>> seen = []
    >>> def twice(arrays):
    ...     seen.append(arrays[0].shape)
    ...     return [2 * arrays[0]]
    >>> x = np.ones((3, 2), np.float32)
    >>> (y,) = run_in_pieces(twice, [x], size=2, outputs=[])
    >>> y.shape, seen
    ((3, 2), [(2, 2), (1, 2)])
    """
    count = arrays[0].shape[0]
    if count == 0:
        return [_empty(tensor) for tensor in outputs]
    pieces = []
    for at in range(0, count, size):
        part = [array[at : at + size] for array in arrays]
        pieces.append(run(part))
        if any(output.shape[:1] != part[0].shape[:1] for output in pieces[-1]):
            return run(arrays)  # the outputs' first axis isn't the examples'
    return [np.concatenate(of_one_output) for of_one_output in zip(*pieces, strict=True)]


def _check_first_axes(inputs: Sequence[Tensor], arrays: Sequence[Array]) -> None:
    for tensor, array in zip(inputs, arrays, strict=True):
        if tensor.shape and tensor.shape[0] not in (None, array.shape[0]):
            raise invalid(
                f"Input {tensor.name} takes the shape {_written(tensor.shape)}. "
                f"Received: {list(array.shape)}."
            )


def _empty(tensor: Tensor) -> Array:
    return np.empty([0, *(size or 0 for size in tensor.shape[1:])], tensor.dtype)


def _written(shape: Sequence[int | None]) -> list[int]:
    return [-1 if size is None else size for size in shape]
