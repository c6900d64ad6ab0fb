"""A language model's matrices with N of every M weights kept, alone or in blocks of few bits.

Sparse tensor cores of GPUs skip the zeros of 2:4. No kernel of this computer's runtimes does, so
what is measured here is quality; speed and size are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.decoder_inputs import (
    calibration_tokens,
    inputs_of,
    matrix_groups,
)
from deployworkbook.formulas.block_quantization import (
    bits_per_weight,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.formulas.gptq import gptq, second_moments
from deployworkbook.formulas.importance import magnitude, weights_and_inputs
from deployworkbook.formulas.masks import n_of_m_bits, n_of_m_mask
from deployworkbook.training.language import LanguageModel
from deployworkbook.validation import check_choice, check_integer, value_error

Score = Literal["magnitude", "wanda"]
SCORES: tuple[Score, ...] = ("magnitude", "wanda")
Rounding = Literal["nearest", "gptq"]
ROUNDINGS: tuple[Rounding, ...] = ("nearest", "gptq")


@dataclass(frozen=True, eq=False)
class SparseDecoder:
    """A language model whose matrices have N of every M weights.

    Args:
        model: The model with zeros in its matrices; callable as any.
        masks: Which weights were kept, by the matrices' names.
        keep: N.
        group: M.
        bits: Bits of each kept weight: 32, or those of its block.
        block_size: Weights per block, zeros included; ``None`` without blocks.
    """

    model: LanguageModel
    masks: Mapping[str, NDArray[np.bool_]]
    keep: int
    group: int
    bits: int
    block_size: int | None

    @property
    def bits_per_weight(self) -> float:
        """Bits per weight of the matrices, zeros included, with positions and scales counted."""
        kept = n_of_m_bits(self.bits, keep=self.keep, group=self.group)
        return kept if self.block_size is None else bits_per_weight(kept, self.block_size)


def prune_decoder(
    model: LanguageModel,
    *,
    keep: int = 2,
    group: int = 4,
    score: Score = "wanda",
    bits: int | None = None,
    block_size: int = 32,
    rounding: Rounding = "nearest",
    text: Mapping[str, bytes] | None = None,
    windows: int = 32,
) -> SparseDecoder:
    """Keep N of every M weights of a language model's matrices, along their inputs.

    Args:
        model: A trained model; not changed. Its width is a multiple of M.
        keep: N.
        group: M.
        score: Which weights to keep: ``"magnitude"``, the largest; ``"wanda"``, those that move
            outputs most on calibration text, by ``importance.weights_and_inputs``.
        bits: Bits to round the kept weights to in symmetric blocks, from 2 to 8; ``None`` leaves
            them as they are.
        block_size: Weights per block, zeros included.
        rounding: ``"nearest"``, or ``"gptq"``, where kept weights make up for zeros and rounding.
        text: For ``"wanda"`` and ``"gptq"``: calibration text by module, which must not be held
            out. Each matrix is calibrated with the outputs of those that are pruned already.
        windows: Number of windows of ``context`` tokens to calibrate with.

    Returns:
        The pruned model.

    Raises:
        ValueError: A setting is out of range, or the text is missing, too short or not needed.
    """
    check_choice("score", score, SCORES)
    if check_choice("rounding", rounding, ROUNDINGS) == "gptq" and bits is None:
        raise value_error("bits", received="None", expected="2 to 8 for 'gptq'")
    with_data = score == "wanda" or rounding == "gptq"
    if text is not None and not with_data:
        raise value_error("text", received="text", expected="none for 'magnitude' and 'nearest'")
    check_integer("windows", windows, 1)
    tokens = calibration_tokens(model, text or {}, windows) if with_data else None
    masks: dict[str, NDArray[np.bool_]] = {}
    pruned = model
    for names in matrix_groups(model.shape):
        # All matrices of a group read the same numbers.
        moments = None if tokens is None else second_moments(inputs_of(pruned, names[0], tokens))
        changed: dict[str, NDArray[Any]] = {}
        for name in names:
            whole = model.weights[name]
            if score == "wanda" and moments is not None:
                scores = weights_and_inputs(whole, np.sqrt(np.diag(moments)))
            else:
                scores = magnitude(whole)
            mask = masks[name] = n_of_m_mask(scores, keep=keep, group=group)
            if bits is None:
                changed[name] = whole * mask
                continue
            if rounding == "gptq" and moments is not None:
                blocks = gptq(whole, moments, bits=bits, block_size=block_size, mask=mask)
            else:
                blocks = quantize_blocks(whole * mask, bits=bits, block_size=block_size)
            changed[name] = dequantize_blocks(blocks)
        pruned = pruned.with_weights(changed)
    size = None if bits is None else block_size
    return SparseDecoder(pruned, masks, keep, group, bits or 32, size)
