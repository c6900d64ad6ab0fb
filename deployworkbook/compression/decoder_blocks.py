"""A language model's matrices in blocks of few bits: rounded to nearest, or by GPTQ.

Files with 4 and 8 bits run in ONNX Runtime. Other widths have no kernel there: their quality is
that of the numbers that the integers stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deployworkbook.compression.decoder_inputs import (
    calibration_tokens,
    inputs_of,
    matrix_groups,
)
from deployworkbook.formulas.block_quantization import (
    BlockQuantized,
    BlockScheme,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.formulas.gptq import gptq, second_moments
from deployworkbook.formulas.transformer_shape import TransformerShape, weight_shapes
from deployworkbook.runtimes.decoder_graph import decoder_onnx, matrix_names
from deployworkbook.training.language import LanguageModel
from deployworkbook.validation import check_choice, check_integer, value_error

Method = Literal["nearest", "gptq"]
METHODS: tuple[Method, ...] = ("nearest", "gptq")


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
    tokens = calibration_tokens(model, text or {}, check_integer("windows", windows, 1))
    blocks, rounded = {}, model
    for names in matrix_groups(model.shape):
        # All matrices of a group read the same numbers.
        moments = second_moments(inputs_of(rounded, names[0], tokens))
        found = {name: gptq(model.weights[name], moments, **how) for name in names}
        blocks |= found
        rounded = _rounded(rounded, found)
    return BlockDecoder(rounded, blocks, method)


def _rounded(model: LanguageModel, blocks: Mapping[str, BlockQuantized]) -> LanguageModel:
    return model.with_weights({name: dequantize_blocks(each) for name, each in blocks.items()})
