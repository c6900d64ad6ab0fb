"""A language model's matrices in blocks of few bits: rounded to nearest, or by GPTQ.

Files with 4 and 8 bits run in ONNX Runtime. Other widths have no kernel there: their quality is
that of the numbers that the integers stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.block_quantization import (
    BlockQuantized,
    BlockScheme,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.formulas.gptq import gptq, second_moments
from deployworkbook.formulas.transformer import forward
from deployworkbook.formulas.transformer_shape import TransformerShape, weight_shapes
from deployworkbook.runtimes.decoder_graph import decoder_onnx, matrix_names
from deployworkbook.training.code_text import SEPARATOR
from deployworkbook.training.language import LanguageModel
from deployworkbook.validation import check_choice, check_integer, value_error

Method = Literal["nearest", "gptq"]
METHODS: tuple[Method, ...] = ("nearest", "gptq")

# Matrices of a layer that read the same numbers, in the order in which a token meets them.
_READ_TOGETHER = (("query", "key", "value"), ("output",), ("up",), ("down",))


@dataclass(frozen=True, eq=False)
class BlockDecoder:
    """A language model whose matrices are in blocks.

    Args:
        model: The model with the numbers that the integers stand for; callable as any.
        blocks: The matrices' integers and scales, by name.
        method: How they were rounded.
    """

    model: LanguageModel
    blocks: Mapping[str, BlockQuantized]
    method: Method

    @property
    def bits_per_weight(self) -> float:
        """Bits per weight of the matrices, with scales and zero points counted."""
        weights = sum(each.inputs * len(each.codes) for each in self.blocks.values())
        return 8 * sum(each.size_bytes for each in self.blocks.values()) / weights

    @property
    def size_bytes(self) -> int:
        """Bytes of all weights: the matrices' blocks, and float32 for everything else."""
        whole = self.model.weights
        rest = sum(whole[name].nbytes for name in whole.keys() - self.blocks.keys())
        return rest + sum(each.size_bytes for each in self.blocks.values())

    def onnx(self, *, last_only: bool = False) -> bytes:
        """Write it as an ONNX file, whose scales are float32.

        Args:
            last_only: Whether to compute the last position's logits only, all that decoding needs.

        Raises:
            ValueError: There is no kernel for such blocks: 4 and 8 bits have one.
        """
        return decoder_onnx(
            self.model.shape, self.model.weights, blocks=self.blocks, last_only=last_only
        )


def random_blocks(
    shape: TransformerShape, *, bits: int, block_size: int = 32, seed: int = 0
) -> dict[str, BlockQuantized]:
    """Draw a decoder's matrices in blocks, without rounding any: for measuring speed alone.

    A product takes the same time whatever the numbers are, and drawing integers of a large shape
    takes a tenth of the time of rounding weights.

    Args:
        shape: The decoder.
        bits: From 2 to 8.
        block_size: Weights per block.
        seed: Seed of the random numbers.

    Returns:
        The matrices by the names of ``runtimes.decoder_graph.matrix_names``; of a tied decoder the
        output matrix, too. They stand for weights of about 0.02, as ``random_weights`` has.
    """
    count = 1 << check_integer("bits", bits, 2, 8)
    size = check_integer("block_size", block_size, 1)
    draw = np.random.default_rng(check_integer("seed", seed, 0))
    sizes = weight_shapes(shape) | {"unembedding": (shape.width, shape.vocabulary)}
    blocks = {}
    for name in matrix_names(shape):
        inputs, outputs = sizes[name]
        places = (outputs, -(-inputs // size))
        codes = draw.integers(0, count, (*places, size), np.uint8)
        codes.reshape(outputs, -1)[:, inputs:] = 0
        # Uniform codes have a deviation of 2^bits / √12 steps.
        scales = np.full(places, 0.02 * np.sqrt(12) / count, np.float16).astype(np.float32)
        points = np.full(places, count // 2, np.uint8)
        blocks[name] = BlockQuantized(codes, scales, points, bits, inputs)
    return blocks


def quantize_decoder(
    model: LanguageModel,
    *,
    bits: int,
    block_size: int = 32,
    method: Method = "nearest",
    scheme: BlockScheme = "symmetric",
    search: bool = False,
    text: Mapping[str, bytes] | None = None,
    windows: int = 32,
) -> BlockDecoder:
    """Store a language model's matrices in blocks of few bits.

    Embedding, positions, norms and biases stay in float32: rows are looked up or added there, and
    no product waits for them.

    Args:
        model: A trained model; not changed.
        bits: From 2 to 8.
        block_size: Weights per block, along a matrix's inputs.
        method: ``"nearest"`` rounds each weight by itself. ``"gptq"`` rounds such that the layers'
            outputs change little on calibration text; each matrix is calibrated with the outputs
            of those that are rounded already.
        scheme: ``"symmetric"`` or ``"asymmetric"``.
        search: Whether to look for each block's best scale.
        text: For ``"gptq"``: calibration text by module, which must not be held out.
        windows: For ``"gptq"``: number of windows of ``context`` tokens to calibrate with.

    Returns:
        The quantized model.

    Raises:
        ValueError: A setting is out of range, or the text is missing, too short or not needed.
    """
    how: dict[str, Any] = {
        "bits": bits,
        "block_size": block_size,
        "scheme": scheme,
        "search": search,
    }
    if check_choice("method", method, METHODS) == "nearest":
        if text is not None:
            raise value_error("text", received="text", expected="none for 'nearest'")
        blocks = {
            name: quantize_blocks(model.weights[name], **how) for name in matrix_names(model.shape)
        }
        return BlockDecoder(_rounded(model, blocks), blocks, method)
    tokens = _calibration_tokens(model, text or {}, check_integer("windows", windows, 1))
    blocks, rounded = {}, model
    for names in _groups(model.shape):
        # All matrices of a group read the same numbers.
        moments = second_moments(inputs_of(rounded, names[0], tokens))
        found = {name: gptq(model.weights[name], moments, **how) for name in names}
        blocks |= found
        rounded = _rounded(rounded, found)
    return BlockDecoder(rounded, blocks, method)


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


def _groups(shape: TransformerShape) -> Iterator[list[str]]:
    for layer in range(shape.layers):
        for parts in _READ_TOGETHER:
            yield [f"layers.{layer}.{part}" for part in parts]
    yield ["unembedding"]


def _rounded(model: LanguageModel, blocks: Mapping[str, BlockQuantized]) -> LanguageModel:
    return model.with_weights({name: dequantize_blocks(each) for name, each in blocks.items()})


def _calibration_tokens(
    model: LanguageModel, text: Mapping[str, bytes], windows: int
) -> NDArray[np.int64]:
    """Cut windows from a text, evenly spread over all of it."""
    context = model.shape.context
    # The beginnings of all modules, since encoding everything would take longer than rounding.
    share = 1 + 8 * windows * context // max(len(text), 1)
    tokens = model.vocabulary.encode(SEPARATOR.join(each[:share] for each in text.values()))
    if len(tokens) < context:
        raise value_error(
            "text",
            received=f"{len(tokens)} tokens",
            expected=f"at least {context}, the model's context",
            remedy="'gptq' calibrates with training text, such as load_code_text().train.",
        )
    starts = np.linspace(0, len(tokens) - context, windows).astype(int)
    return np.asarray(tokens[starts[:, None] + np.arange(context)])
