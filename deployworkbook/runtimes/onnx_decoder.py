"""Decoders that generate token by token, by ONNX Runtime or by NumPy.

A decoder starts sequences; a sequence takes new tokens, returns the logits of the next one, and
keeps the keys and values of all tokens so far.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.transformer import Cache, forward
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.decoder_graph import LOGITS, TOKENS, Weights, past_names
from deployworkbook.runtimes.onnx import open_session
from deployworkbook.validation import check_integer, value_error

Tokens = NDArray[np.int64]
Logits = NDArray[np.float32]


class Sequence(Protocol):
    """Tokens so far, and what the decoder remembers of them; a step of ``sampling.generate``."""

    positions: int

    def __call__(self, tokens: Tokens) -> Logits:
        """Take new tokens ``[batch, n]``, and return the next one's logits ``[batch, V]``."""


class Decoder(Protocol):
    """A loaded decoder."""

    def start(self) -> Sequence:
        """Start a batch of sequences."""


def check_inputs(inputs: list[str]) -> list[str]:
    """Return the names of the cache's inputs.

    Args:
        inputs: Names of all inputs of a file.

    Raises:
        ValueError: They are not those of a decoder.
    """
    past = past_names((len(inputs) - 1) // 2)
    if inputs != [TOKENS, *past]:
        raise value_error(
            "inputs",
            received=", ".join(inputs) or "none",
            expected=f"{TOKENS}, and past keys and values by layer",
            remedy="Write the file with decoder_onnx.",
        )
    return past


class ONNXDecoder:
    """A decoder's ONNX file in memory, as ``decoder_onnx`` writes it.

    Args:
        source: The file's bytes, or its path.
        threads: Threads per call; 0 for one per core.

    Raises:
        ValueError: It is not the ONNX file of a decoder.
    """

    def __init__(self, source: bytes | Path, *, threads: int = 1) -> None:
        self.session = open_session(source, threads=check_integer("threads", threads, 0))
        inputs = {each.name: each.shape for each in self.session.get_inputs()}
        self.past = check_inputs(list(inputs))
        _, self.kv_heads, _, self.head_width = inputs[self.past[0]]
        self.grown = [name.removeprefix("past_") for name in self.past]

    def __call__(self, tokens: Tokens) -> Logits:
        """Return the logits after each position of sequences ``[batch, n]``, without a cache."""
        empty = self.empty_cache(len(tokens))
        logits: Logits
        (logits,) = self.session.run([LOGITS], {TOKENS: tokens, **dict.fromkeys(self.past, empty)})
        return logits

    def start(self) -> ONNXSequence:
        """Start a batch of sequences."""
        return ONNXSequence(self)

    def empty_cache(self, batch: int) -> NDArray[np.float32]:
        """Return the keys, or values, of no position."""
        return np.zeros((batch, self.kv_heads, 0, self.head_width), np.float32)


class ONNXSequence:
    """A batch of sequences; their keys and values stay with ONNX Runtime, and aren't copied here.

    Args:
        decoder: The decoder.
    """

    def __init__(self, decoder: ONNXDecoder) -> None:
        self.decoder = decoder
        self.positions = 0
        self._cache: list[Any] = []

    def __call__(self, tokens: Tokens) -> Logits:
        """Take new tokens ``[batch, n]``, and return the next one's logits ``[batch, V]``."""
        decoder = self.decoder
        binding = decoder.session.io_binding()
        binding.bind_cpu_input(TOKENS, np.ascontiguousarray(tokens, np.int64))
        for place, name in enumerate(decoder.past):
            if self._cache:
                binding.bind_ortvalue_input(name, self._cache[place])
            else:
                binding.bind_cpu_input(name, decoder.empty_cache(len(tokens)))
        for name in (LOGITS, *decoder.grown):
            binding.bind_output(name)
        decoder.session.run_with_iobinding(binding)
        logits, *self._cache = binding.get_outputs()
        self.positions += np.shape(tokens)[1]
        return np.asarray(logits.numpy()[:, -1], np.float32)

    @property
    def cache_bytes(self) -> int:
        """Bytes of all keys and values so far."""
        sizes = [np.prod(value.shape()) for value in self._cache]
        return 4 * int(sum(sizes))


class NumPyDecoder:
    """The decoder of ``formulas.transformer``, for comparison.

    Args:
        shape: The decoder's sizes.
        weights: By name.
    """

    def __init__(self, shape: TransformerShape, weights: Weights) -> None:
        self.shape, self.weights = shape, weights

    def start(self) -> NumPySequence:
        """Start a batch of sequences."""
        return NumPySequence(self)


class NumPySequence:
    """A batch of sequences, computed by NumPy.

    Args:
        decoder: The decoder.
    """

    def __init__(self, decoder: NumPyDecoder) -> None:
        self.decoder = decoder
        self.positions = 0
        self._cache: Cache | None = None

    def __call__(self, tokens: Tokens) -> Logits:
        """Take new tokens ``[batch, n]``, and return the next one's logits ``[batch, V]``."""
        own = self.decoder
        result = forward(own.shape, own.weights, tokens, cache=self._cache, last_only=True)
        self._cache = result.cache
        self.positions += np.shape(tokens)[1]
        return np.asarray(result.logits[:, -1], np.float32)
