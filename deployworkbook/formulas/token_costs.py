"""What a token costs: operations, bytes and time of prefill and decode.

A language model answers in two phases. **Prefill** reads the whole prompt at once: every weight is
read once and used for each of its tokens. **Decode** writes one token after the other, and each
step reads all weights again, and the keys and values of all earlier tokens. Sequences of a batch
share the weights, but each has a cache of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.roofline import device_time
from deployworkbook.formulas.transformer_shape import TransformerShape, matrix_sizes
from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StepWork:
    """What one step of a batch computes and moves; all arrays have the arguments' common shape.

    Args:
        matrix_operations: Operations with weights.
        attention_operations: Operations of queries with keys, and of their weights with values.
        weight_bytes: Weights read.
        cache_bytes: Keys and values read and written.
        tokens: Tokens that the step processes, of all sequences.
    """

    matrix_operations: Array
    attention_operations: Array
    weight_bytes: Array
    cache_bytes: Array
    tokens: Array

    @property
    def operations(self) -> Array:
        """All floating-point operations."""
        return self.matrix_operations + self.attention_operations

    @property
    def traffic_bytes(self) -> Array:
        """All bytes moved from and to memory."""
        return self.weight_bytes + self.cache_bytes

    @property
    def intensity(self) -> Array:
        """Arithmetic intensity, operations per byte moved."""
        return np.asarray(self.operations / self.traffic_bytes)


def weight_bytes(
    shape: TransformerShape, *, weight_bits: ArrayLike = 16.0, other_bits: ArrayLike = 16.0
) -> Array:
    """Return the bytes of all weights.

        (b_w (attention + E · expert + router + unembedding) + b_o rest) / 8

    Args:
        shape: The decoder.
        weight_bits: b_w, bits per weight of all matrices, scales included: 4.5 for 4 bits in blocks
            of 32 with a scale of 16 bits (``block_quantization.bits_per_weight``).
        other_bits: b_o, bits per number of norms, biases, positions and an embedding of its own.

    Returns:
        Bytes, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> llama3_8b = TransformerShape(
    ...     layers=32, width=4096, heads=32, kv_heads=8, hidden=14336, vocabulary=128256,
    ...     context=8192,
    ... )
    >>> (weight_bytes(llama3_8b, weight_bits=[16, 4.5]) / 1e9).round(2)  # GB
    array([16.06,  5.27])
    """
    sizes = matrix_sizes(shape)
    matrices = sizes.attention + shape.experts * sizes.expert + sizes.router + sizes.unembedding
    bits = check_array("weight_bits", weight_bits, low=0, open_low=True) * matrices
    return np.asarray((bits + check_array("other_bits", other_bits, low=0) * sizes.rest) / 8)


def cache_bytes_per_token(shape: TransformerShape, *, cache_bits: ArrayLike = 16.0) -> Array:
    """Return the bytes that a token's keys and values take, in all layers.

        2 L g e b_c / 8

    Args:
        shape: L layers with g heads of keys and values of width e.
        cache_bits: b_c, bits per number, scales included.

    Returns:
        Bytes, the shape of ``cache_bits``.

    Raises:
        ValueError: ``cache_bits`` is not positive.

    >>> opt_13b = TransformerShape(
    ...     layers=40, width=5120, heads=40, kv_heads=40, hidden=20480, vocabulary=50272,
    ...     context=2048, family="gpt2", tied=True,
    ... )
    >>> float(cache_bytes_per_token(opt_13b))  # 2 · 40 · 5120 · 2, or 800 KB
    819200.0
    """
    bits = check_array("cache_bits", cache_bits, low=0, open_low=True)
    return np.asarray(2 * shape.layers * shape.kv_width * bits / 8)


def step_work(
    shape: TransformerShape,
    *,
    new: ArrayLike,
    past: ArrayLike = 0.0,
    batch: ArrayLike = 1.0,
    weight_bits: ArrayLike = 16.0,
    cache_bits: ArrayLike = 16.0,
    last_only: bool = True,
) -> StepWork:
    """Count what a step computes and moves: n new tokens per sequence after p cached ones.

        matrix operations:    2 B (n (attention + k · expert + router) + unembedding)
        attention operations: 4 B L h e (n p + n (n + 1) / 2)
        weights read:         b_w (attention + E (1 - (1 - k/E)^(B n)) expert + …) / 8
        cache read, written:  B (p + n) · cache bytes per token

    A multiplication and an addition are two operations. A token looks at itself and at all before
    it, so that a prompt's attention grows with n². With several experts, the expected number of
    experts that at least one of the B n tokens chooses is read. Not counted: norms, activations
    and the softmax, which fused kernels keep on the chip.

    Args:
        shape: The decoder.
        new: n, new tokens per sequence: the prompt in prefill, 1 in decode.
        past: p, tokens per sequence whose keys and values are cached.
        batch: B, sequences.
        weight_bits: Bits per weight, scales included.
        cache_bits: Bits per number of the cache, scales included.
        last_only: Whether logits are computed for each sequence's last token only, as in serving,
            or for all, as in training and in evaluating a text.

    Returns:
        The work; its arrays have the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    Source: J. Kaplan et al., "Scaling laws for neural language models", arXiv:2001.08361, 2020,
    table 1: 2 N operations per token, and attention; memory traffic: R. Pope et al., "Efficiently
    scaling transformer inference", MLSys 2023.

    >>> llama3_8b = TransformerShape(
    ...     layers=32, width=4096, heads=32, kv_heads=8, hidden=14336, vocabulary=128256,
    ...     context=8192,
    ... )
    >>> decode = step_work(llama3_8b, new=1, past=1000)
    >>> prefill = step_work(llama3_8b, new=1000)
    >>> round(float(decode.intensity), 2), round(float(prefill.intensity))
    (1.03, 939)
    """
    n = check_array("new", new, low=1)
    p = check_array("past", past, low=0)
    b = check_array("batch", batch, low=1)
    sizes = matrix_sizes(shape)
    chosen, experts = shape.active_experts, shape.experts
    each = sizes.attention + chosen * sizes.expert + sizes.router
    logits = 1.0 if last_only else n
    matrix = 2.0 * b * (n * each + logits * sizes.unembedding)
    attention = 4.0 * b * shape.layers * shape.query_width * (n * p + n * (n + 1.0) / 2.0)
    touched = experts * (1.0 - np.power(1.0 - chosen / experts, b * n))
    read = sizes.attention + touched * sizes.expert + sizes.router + sizes.unembedding
    weights = read * check_array("weight_bits", weight_bits, low=0, open_low=True) / 8
    cache = b * (p + n) * cache_bytes_per_token(shape, cache_bits=cache_bits)
    return StepWork(*np.broadcast_arrays(matrix, attention, weights, cache, b * n))


def step_seconds(
    work: StepWork,
    *,
    operations_per_s: ArrayLike,
    bytes_per_s: ArrayLike,
    call_s: ArrayLike = 0.0,
) -> Array:
    """Return the time of a step by the roofline, matrices and attention one after the other.

        t = t_0 + max(F_matrices / P, weights / β) + max(F_attention / P, cache / β)

    It is a bound: what the machine reaches of P and β decides how close a step comes to it.

    Args:
        work: The step, from ``step_work``.
        operations_per_s: P, operations per second in the precision that computes.
        bytes_per_s: β, memory bandwidth in bytes per second.
        call_s: t_0, time per step that doesn't depend on its size, such as starting kernels.

    Returns:
        Seconds, in the common shape of all arguments.

    Raises:
        ValueError: A number is out of range.

    >>> llama3_8b = TransformerShape(
    ...     layers=32, width=4096, heads=32, kv_heads=8, hidden=14336, vocabulary=128256,
    ...     context=8192,
    ... )
    >>> decode = step_work(llama3_8b, new=1, past=1000, batch=[1, 32])
    >>> t = step_seconds(decode, operations_per_s=312e12, bytes_per_s=2.039e12)  # an A100 of 80 GB
    >>> (decode.tokens / t).round()  # tokens per second
    array([ 135., 3397.])
    """
    limits = {"operations_per_s": operations_per_s, "bytes_per_s": bytes_per_s}
    matrices = device_time(work.matrix_operations, work.weight_bytes, call_s=call_s, **limits)
    return matrices + device_time(work.attention_operations, work.cache_bytes, **limits)


def largest_batch(
    shape: TransformerShape,
    *,
    memory_bytes: ArrayLike,
    tokens: ArrayLike,
    weight_bits: ArrayLike = 16.0,
    cache_bits: ArrayLike = 16.0,
) -> NDArray[np.int64]:
    """Return how many sequences fit into a memory beside the weights.

        B = ⌊(M - weights) / (tokens · cache bytes per token)⌋

    Args:
        shape: The decoder.
        memory_bytes: M, what weights and caches may take: a device's memory less what its runtime
            and the activations need, often a tenth.
        tokens: Tokens per sequence for which the cache has room, prompt and answer together.
        weight_bits: Bits per weight, scales included.
        cache_bits: Bits per number of the cache, scales included.

    Returns:
        Whole numbers in the arguments' common shape; 0 where not even one sequence fits.

    Raises:
        ValueError: A number is out of range, or more tokens are asked for than the context has.

    >>> llama2_7b = TransformerShape(
    ...     layers=32, width=4096, heads=32, kv_heads=32, hidden=11008, vocabulary=32000,
    ...     context=4096,
    ... )
    >>> largest_batch(llama2_7b, memory_bytes=0.9 * 24e9, tokens=[1024, 4096])
    array([15,  3])
    """
    room = check_array("memory_bytes", memory_bytes, low=0)
    length = check_array("tokens", tokens, low=1)
    if (length > shape.context).any():
        raise value_error(
            "tokens", received=f"{length.max():g}", expected=f"at most the context, {shape.context}"
        )
    left = room - weight_bytes(shape, weight_bits=weight_bits)
    fits = np.floor(left / (length * cache_bytes_per_token(shape, cache_bits=cache_bits)))
    return np.asarray(np.maximum(fits, 0.0), dtype=np.int64)


def saturating_batch(
    *, operations_per_s: ArrayLike, bytes_per_s: ArrayLike, weight_bits: ArrayLike = 16.0
) -> Array:
    """Return the batch from which decoding's matrices take their time for computing, not reading.

        2 B / P = b_w / (8 β),  so  B = P b_w / (16 β)

    It doesn't depend on the model: each weight is read once, and used twice per sequence. Caches
    aren't shared, so attention stays limited by memory at any batch.

    Args:
        operations_per_s: P, operations per second in the precision that computes.
        bytes_per_s: β, memory bandwidth in bytes per second.
        weight_bits: b_w, bits per weight, scales included.

    Returns:
        Sequences, in the arguments' common shape; rarely a whole number.

    Raises:
        ValueError: A number is out of range.

    >>> saturating_batch(  # an A100 of 80 GB; fewer bits are read faster, and computed no faster
    ...     operations_per_s=312e12, bytes_per_s=2.039e12, weight_bits=[16, 4.5]
    ... ).round()
    array([153.,  43.])
    """
    peak = check_array("operations_per_s", operations_per_s, low=0, open_low=True)
    bandwidth = check_array("bytes_per_s", bytes_per_s, low=0, open_low=True)
    bits = check_array("weight_bits", weight_bits, low=0, open_low=True)
    return np.asarray(peak * bits / (16.0 * bandwidth))
