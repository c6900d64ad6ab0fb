"""Decoders that generate token by token, by ONNX Runtime or by NumPy.

A decoder starts sequences; a sequence takes new tokens, returns the logits of the next one, and
keeps the keys and values of all tokens so far.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.cache_quantization import rounded_cache
from deployworkbook.formulas.transformer import Cache, forward
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.decoder_graph import LOGITS, TOKENS, Weights
from deployworkbook.runtimes.onnx import open_session
from deployworkbook.runtimes.onnx_cache import past_names
from deployworkbook.validation import check_integer, value_error

Tokens = NDArray[np.int64]
Logits = NDArray[np.float32]

# Numbers that a cache is kept in, by ONNX Runtime's names of them.
KINDS: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(int8)": np.dtype(np.int8),
}


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
    has_scales = any("scales" in name for name in inputs)
    past = past_names((len(inputs) - 1) // (4 if has_scales else 2), int8=has_scales)
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
        inputs = {each.name: each for each in self.session.get_inputs()}
        self.past = check_inputs(list(inputs))
        self._sizes = {name: (inputs[name].shape, KINDS[inputs[name].type]) for name in self.past}
        self.grown = [name.removeprefix("past_") for name in self.past]

    def __call__(self, tokens: Tokens) -> Logits:
        """Return the logits after each position of sequences ``[batch, n]``, without a cache."""
        logits: Logits
        given = {TOKENS: tokens, **self.empty_cache(len(tokens))}
        (logits,) = self.session.run([LOGITS], given)
        return logits

    def start(self) -> ONNXSequence:
        """Start a batch of sequences."""
        return ONNXSequence(self)

    def empty_cache(self, batch: int) -> dict[str, NDArray[Any]]:
        """Return the keys, values and scales of no position, by the names of the inputs."""
        return {
            name: np.zeros((batch, heads, 0, width), kind)
            for name, ((_, heads, _, width), kind) in self._sizes.items()
        }


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
        for name, value in zip(decoder.past, self._cache, strict=False):
            binding.bind_ortvalue_input(name, value)
        if not self._cache:
            for name, empty in decoder.empty_cache(len(tokens)).items():
                binding.bind_cpu_input(name, empty)
        for name in (LOGITS, *decoder.grown):
            binding.bind_output(name)
        decoder.session.run_with_iobinding(binding)
        logits, *self._cache = binding.get_outputs()
        self.positions += np.shape(tokens)[1]
        return np.asarray(logits.numpy()[:, -1], np.float32)

    @property
    def cache_bytes(self) -> int:
        """Bytes of all keys and values so far, with their scales."""
        return sum(
            math.prod(value.shape()) * KINDS[value.data_type()].itemsize for value in self._cache
        )


class NumPyDecoder:
    """The decoder of ``formulas.transformer``, for comparison.

    Args:
        shape: The decoder's sizes.
        weights: By name.
        cache_bits: Bits in which keys and values are kept, from 2 to 8; by default they are kept
            as they are.
    """

    def __init__(
        self, shape: TransformerShape, weights: Weights, *, cache_bits: int | None = None
    ) -> None:
        self.shape, self.weights, self.cache_bits = shape, weights, cache_bits

    def __call__(self, tokens: Tokens) -> Logits:
        """Return the logits after each position of sequences ``[batch, n]``."""
        found = forward(self.shape, self.weights, tokens, cache=self.empty_cache(len(tokens)))
        return np.asarray(found.logits, np.float32)

    def empty_cache(self, batch: int) -> Cache | None:
        """Return a cache of no position; ``None`` if it isn't rounded."""
        if self.cache_bits is None:
            return None
        return rounded_cache(self.shape, batch=batch, bits=self.cache_bits)

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
        cache = self._cache or own.empty_cache(len(tokens))
        result = forward(own.shape, own.weights, tokens, cache=cache, last_only=True)
        self._cache = result.cache
        self.positions += np.shape(tokens)[1]
        return np.asarray(result.logits[:, -1], np.float32)

    @property
    def cache_bytes(self) -> int:
        """Bytes of all keys and values so far, with their scales."""
        return sum(layer.size_bytes for layer in self._cache or ())
