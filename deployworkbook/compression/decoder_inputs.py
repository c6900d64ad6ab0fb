"""What a language model's matrices are multiplied with, on calibration text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.transformer import forward
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.training.code_text import SEPARATOR
from deployworkbook.training.language import LanguageModel
from deployworkbook.validation import value_error

# Matrices of a layer that read the same numbers, in the order in which a token meets them.
_READ_TOGETHER = (("query", "key", "value"), ("output",), ("up",), ("down",))


def inputs_of(model: LanguageModel, name: str, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the rows that a matrix of a model is multiplied with.

    Args:
        model: A language model.
        name: The matrix's name.
        tokens: Text for the model, shape ``[batch, n]``.

    Returns:
        float32, shape ``[batch · n, inputs]``.
    """
    watched = model.weights[name].view(_Watched)
    watched.rows = []
    forward(model.shape, {**model.weights, name: watched}, tokens)
    return np.concatenate([rows.reshape(-1, rows.shape[-1]) for rows in watched.rows])


class _Watched(np.ndarray):
    """A matrix that keeps the rows that it is multiplied with."""

    rows: list[NDArray[np.float32]]

    def __rmatmul__(self, rows: Any, /) -> Any:
        # Python asks the right factor first if its class is derived from the left one's.
        self.rows.append(rows)
        return rows @ self.view(np.ndarray)


def matrix_groups(shape: TransformerShape) -> Iterator[list[str]]:
    """Give the names of matrices that read the same numbers, in the order of their use.

    Args:
        shape: The decoder.
    """
    for layer in range(shape.layers):
        for parts in _READ_TOGETHER:
            yield [f"layers.{layer}.{part}" for part in parts]
    yield ["unembedding"]


def calibration_tokens(
    model: LanguageModel, text: Mapping[str, bytes], windows: int
) -> NDArray[np.int64]:
    """Cut windows from a text, evenly spread over all of it.

    Args:
        model: The model, which says how long a window is.
        text: Training text by module.
        windows: Number of windows.

    Returns:
        Shape ``[windows, context]``.

    Raises:
        ValueError: The text is too short.
    """
    context = model.shape.context
    # The beginnings of all modules, since encoding everything would take longer than rounding.
    share = 1 + 8 * windows * context // max(len(text), 1)
    tokens = model.vocabulary.encode(SEPARATOR.join(each[:share] for each in text.values()))
    if len(tokens) < context:
        raise value_error(
            "text",
            received=f"{len(tokens)} tokens",
            expected=f"at least {context}, the model's context",
            remedy="Calibrate with training text, such as load_code_text().train.",
        )
    starts = np.linspace(0, len(tokens) - context, windows).astype(int)
    return np.asarray(tokens[starts[:, None] + np.arange(context)])
