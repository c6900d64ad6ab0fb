"""A decoder's ONNX file, compiled by OpenVINO for the processor that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.decoder_graph import LOGITS, TOKENS
from deployworkbook.runtimes.onnx_decoder import Logits, Tokens, check_inputs
from deployworkbook.runtimes.openvino import compile_onnx
from deployworkbook.validation import check_integer


class OpenVINODecoder:
    """A decoder's ONNX file, as ``decoder_onnx`` writes it, in float32, int8 or blocks.

    It is compiled as it is loaded, and again in parts when a batch or a number of new tokens is
    new: the first steps take longer. It computes in float32. Blocks of 4 bits stay as they are and
    are unpacked as they are multiplied, while int8 matrices are turned into float32 ones.

    Args:
        source: The file's bytes, or its path.
        threads: Threads per call; 0 for one per core.

    Raises:
        ValueError: It is not the ONNX file of a decoder, or OpenVINO can't read it.
    """

    def __init__(self, source: bytes | Path, *, threads: int = 1) -> None:
        self.compiled = compile_onnx(source, threads=check_integer("threads", threads, 0))
        inputs = [each.any_name for each in self.compiled.inputs]
        self.past = check_inputs(inputs)

    def start(self) -> OpenVINOSequence:
        """Start a batch of sequences."""
        return OpenVINOSequence(self)

    def empty_cache(self, batch: int) -> dict[str, NDArray[Any]]:
        """Return the keys, values and scales of no position, by the names of the inputs."""
        ends = {name: self.compiled.input(name) for name in self.past}
        return {
            name: np.zeros(
                (batch, end.partial_shape[1].get_length(), 0, end.partial_shape[3].get_length()),
                end.element_type.to_dtype(),
            )
            for name, end in ends.items()
        }


class OpenVINOSequence:
    """A batch of sequences; their keys and values are arrays that OpenVINO reads without a copy.

    Args:
        decoder: The decoder.
    """

    def __init__(self, decoder: OpenVINODecoder) -> None:
        self.decoder = decoder
        self.positions = 0
        self._request = decoder.compiled.create_infer_request()
        self._cache: dict[str, NDArray[Any]] = {}

    def __call__(self, tokens: Tokens) -> Logits:
        """Take new tokens ``[batch, n]``, and return the next one's logits ``[batch, V]``."""
        own, rows = self.decoder, np.ascontiguousarray(tokens, np.int64)
        if not self._cache:
            self._cache = own.empty_cache(len(rows))
        results = self._request.infer({TOKENS: rows, **self._cache}, share_inputs=True)
        found = {end.any_name: values for end, values in results.items()}
        self._cache = {name: found[name.removeprefix("past_")] for name in own.past}
        self.positions += rows.shape[1]
        return np.array(found[LOGITS][:, -1], np.float32)

    @property
    def cache_bytes(self) -> int:
        """Bytes of all keys and values so far, with their scales."""
        return sum(each.nbytes for each in self._cache.values())
