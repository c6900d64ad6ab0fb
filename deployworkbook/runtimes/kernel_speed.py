"""Measure what a runtime's kernels reach, with decoders of other sizes than those to predict.

Three small decoders give the ceilings of ``formulas.kernel_ceilings``: one in which nothing is
large, for what each layer takes anyway; one with large matrices and a single narrow head, for the
products with weights; and one with many heads and narrow matrices, for attention and its cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deployworkbook.formulas.kernel_ceilings import DecoderCeiling, fit_ceiling
from deployworkbook.formulas.roofline import serial_time
from deployworkbook.formulas.token_costs import StepWork, step_work
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.decoding_speed import measure_decoding
from deployworkbook.runtimes.onnx_decoder import Decoder
from deployworkbook.validation import check_integer, value_error

VOCABULARY, STEPS, CACHE_BITS = 64, 4, 32.0


def _shape(layers: int, heads: int, width: int = 64, hidden: int = 64) -> TransformerShape:
    sizes: dict[str, Any] = {"vocabulary": VOCABULARY, "context": 256, "head_width": 64}
    sizes |= {"layers": layers, "heads": heads, "kv_heads": heads, "family": "gpt2"}
    return TransformerShape(width=width, hidden=hidden, **sizes)


TINY, HEADS = _shape(4, 1), _shape(2, 8)


@dataclass(frozen=True)
class _Case:
    """A decoder and a batch whose steps are timed."""

    shape: TransformerShape
    batch: int
    prompt: int = 1

    def work(self, weight_bits: float) -> StepWork:
        past = self.prompt + (STEPS - 1) / 2
        return step_work(
            self.shape,
            new=1,
            past=past,
            batch=self.batch,
            weight_bits=weight_bits,
            cache_bits=CACHE_BITS,
        )


START, ATTENTION = _Case(TINY, 1), _Case(HEADS, 16, 48)
# One sequence, where reading is the limit, and so many that arithmetic is.
BATCHES = (1, 8, 32)


def measure_ceilings(
    forms: Mapping[str, Callable[[TransformerShape], Decoder]],
    *,
    weight_bits: Mapping[str, float],
    rounds: int = 4,
    width: int = 1024,
    beside: Callable[[], object] | None = None,
) -> dict[str, DecoderCeiling]:
    """Measure what a runtime reaches of this machine, by the form of its weights, on one thread.

    Forms take turns, processor time counts where the system measures it finely, and of each step
    the fastest run: what other programs take is no limit of a kernel.

    Args:
        forms: By name, a function that returns the decoder of a shape, with any weights, on one
            thread.
        weight_bits: Bits that are read per weight, scales included, by the same names.
        rounds: Turns of each form.
        width: Of the tokens of the decoder with large matrices, a multiple of 64; its hidden layers
            have four times that. They should be too large for the processor's caches.
        beside: Called in each round: measures what is to be compared with the ceilings, at the same
            time, since a busy machine may be slower for some seconds.

    Returns:
        The ceilings by name, which ``kernel_ceilings.decoder_seconds`` takes.

    Raises:
        ValueError: A number is out of range, or names differ.
    """
    times = check_integer("rounds", rounds, 1)
    if set(forms) != set(weight_bits):
        raise value_error("weight_bits", received=", ".join(weight_bits), expected=", ".join(forms))
    matrices = _shape(2, 1, width, 4 * check_integer("width", width, 64))
    products = [_Case(matrices, batch) for batch in BATCHES]
    cases = (START, *products, ATTENTION)
    decoders = {
        shape: {name: make(shape) for name, make in forms.items()}
        for shape in (TINY, matrices, HEADS)
    }
    fastest = {(name, case): np.inf for name in forms for case in cases}
    for turn in range(times):
        for case in cases:
            speeds = measure_decoding(
                decoders[case.shape],
                vocabulary=VOCABULARY,
                batch=case.batch,
                prompt_tokens=case.prompt,
                new_tokens=STEPS,
                rounds=1,
                processor_time=True,
                warm_up=turn == 0,
            )
            for name, speed in speeds.items():
                fastest[name, case] = min(fastest[name, case], speed.fastest_step_s)
        if beside is not None:
            beside()
    return {
        name: _ceiling({case: fastest[name, case] for case in cases}, products, weight_bits[name])
        for name in forms
    }


def _ceiling(
    seconds: Mapping[_Case, float], products: list[_Case], weight_bits: float
) -> DecoderCeiling:
    """Take a decoder's times apart."""

    def left(case: _Case, others_s: float) -> float:
        # Never less than a tenth, so that times that don't add up give no negative ones.
        return max(seconds[case] - others_s, seconds[case] / 10)

    layer_s = seconds[START] / TINY.layers
    works = [case.work(weight_bits) for case in products]
    product = fit_ceiling(
        [float(work.matrix_operations) for work in works],
        [float(work.weight_bytes) for work in works],
        [left(case, layer_s * case.shape.layers) for case in products],
    )
    work = ATTENTION.work(weight_bits)
    products_s = serial_time(
        work.matrix_operations,
        work.weight_bytes,
        operations_per_s=product.operations_per_s,
        bytes_per_s=product.bytes_per_s,
        call_s=layer_s * HEADS.layers,
    )
    attention_s = left(ATTENTION, float(products_s))
    return DecoderCeiling(product, float(work.cache_bytes) / attention_s, layer_s)
