"""A transformer that predicts the next token: its forward pass, from named weights.

Each layer adds two things to what a position knows: what attention gathers from earlier positions,
and what an MLP makes of it. The last layer's output, multiplied with the output matrix, gives a
logit for every token of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.attention import (
    LayerCache,
    cached_attention,
    join_heads,
    split_heads,
)
from deployworkbook.formulas.feed_forward import gated_feed_forward, gelu, mixture_of_experts
from deployworkbook.formulas.normalization import layer_norm, rms_norm
from deployworkbook.formulas.rotary import rotate
from deployworkbook.formulas.transformer_shape import TransformerShape, weight_shapes
from deployworkbook.validation import check_choice, check_integer, describe, type_error, value_error

Array = NDArray[np.float64]
Weights = Mapping[str, NDArray[Any]]
# One per layer.
Cache = tuple[LayerCache, ...]
DTYPES = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a forward pass returns.

    Args:
        logits: Of the token after each position, shape ``[batch, n, vocabulary]``.
        cache: Keys and values of all positions so far, one ``attention.LayerCache`` per layer.
    """

    logits: Array
    cache: Cache


def random_weights(
    shape: TransformerShape, *, seed: int = 0, dtype: str = "float32"
) -> dict[str, NDArray[Any]]:
    """Draw weights as they are before training, which is enough to measure speed.

    Matrices are normal with deviation 0.02, and those that write to the next layer, ``output`` and
    ``down``, are divided by √(2 L), as in GPT-2. Norms start at 1, biases at 0.

    Args:
        shape: The decoder.
        seed: Seed of the random numbers; the result depends on nothing else.
        dtype: ``"float32"`` or ``"float64"``.

    Returns:
        Weights by the names of ``weight_shapes``.

    Raises:
        ValueError: ``dtype`` is unknown, or ``seed`` is negative.

    Source: A. Radford et al., "Language models are unsupervised multitask learners", 2019.

    >>> small = TransformerShape(
    ...     layers=1, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32
    ... )
    >>> random_weights(small)["layers.0.key"].shape
    (8, 4)
    """
    chosen = check_choice("dtype", dtype, DTYPES)
    kind = np.dtype(chosen)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    weights: dict[str, NDArray[Any]] = {}
    for name, sizes in weight_shapes(shape).items():
        part = name.rpartition(".")[2]
        if part.endswith("_bias"):
            weights[name] = np.zeros(sizes, kind)
        elif part.endswith("norm"):
            weights[name] = np.ones(sizes, kind)
        else:
            residual = part in ("output", "down")
            spread = 0.02 / np.sqrt(2 * shape.layers) if residual else 0.02
            weights[name] = generator.standard_normal(sizes, kind)
            weights[name] *= kind.type(spread)
    return weights


def check_weights(shape: TransformerShape, weights: Weights) -> None:
    """Raise an error unless the weights are those of a shape.

    Args:
        shape: The decoder.
        weights: Arrays by name.

    Raises:
        ValueError: A name is missing or unknown, or an array has another shape.

    >>> small = TransformerShape(
    ...     layers=1, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32
    ... )
    >>> check_weights(small, random_weights(small) | {"layers.0.key": np.zeros((8, 8))})
    Traceback (most recent call last):
    ...
    ValueError: weights["layers.0.key"]: expected shape (8, 4). Received: shape (8, 8).
    """
    wanted = weight_shapes(shape)
    missing, unknown = wanted.keys() - weights.keys(), weights.keys() - wanted.keys()
    if missing or unknown:
        raise value_error(
            "weights",
            received=f"without {sorted(missing)[:3]}" if missing else f"{sorted(unknown)[:3]}",
            expected="the names of weight_shapes(shape)",
        )
    for name, sizes in wanted.items():
        if weights[name].shape != sizes:
            raise value_error(
                f'weights["{name}"]',
                received=f"shape {weights[name].shape}",
                expected=f"shape {sizes}",
            )


def forward(
    shape: TransformerShape,
    weights: Weights,
    tokens: ArrayLike,
    *,
    cache: Cache | None = None,
    last_only: bool = False,
) -> Prediction:
    """Predict the token after each position.

        x ← E[tokens] (+ P[positions])
        in each layer:  x ← x + W_o attention(norm(x)),  x ← x + MLP(norm(x))
        logits = norm(x) W_out

    With a cache, ``tokens`` are the new ones only: a prompt at first (prefill), then one token at
    a time (decode). The logits are the same as those of all tokens at once.

    Args:
        shape: The decoder.
        weights: By the names of ``weight_shapes``; float32 ones compute in float32, others in
            float64.
        tokens: Whole numbers below the vocabulary's size, shape ``[batch, n]``.
        cache: What an earlier call returned for the positions before; ``None`` at the start, or
            ``cache_quantization.rounded_cache`` for a cache in few bits.
        last_only: Whether to compute the last position's logits only, all that decoding needs.

    Returns:
        Logits, shape ``[batch, n, vocabulary]`` (or n = 1 with ``last_only``), and the cache of
        all positions.

    Raises:
        TypeError: The tokens are not whole numbers.
        ValueError: A token is out of range, the sequence gets longer than the context, or weights
            or cache don't fit the shape.

    Source: A. Vaswani et al., "Attention is all you need", NIPS 2017; ``"gpt2"``: A. Radford et
    al., 2019; ``"llama"``: H. Touvron et al., "LLaMA: open and efficient foundation language
    models", arXiv:2302.13971, 2023.

    >>> small = TransformerShape(
    ...     layers=1, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32
    ... )
    >>> weights = random_weights(small, dtype="float64")
    >>> prompt = forward(small, weights, [[7, 3, 9]])
    >>> step = forward(small, weights, [[4]], cache=prompt.cache)
    >>> whole = forward(small, weights, [[7, 3, 9, 4]])
    >>> np.allclose(step.logits, whole.logits[:, -1:], rtol=0, atol=1e-12)
    True
    """
    check_weights(shape, weights)
    past = _past(shape, cache)
    ids = _tokens(shape, tokens, past)
    places = np.arange(past, past + ids.shape[1])
    x: Array = weights["embedding"][ids]
    if shape.family == "gpt2":
        x = x + weights["positions"][places]
    grown = []
    for layer in range(shape.layers):
        at = f"layers.{layer}."
        row = _norm(shape, weights, f"{at}attention_norm", x)
        mixed, kept = _attend(shape, weights, at, row, places, cache[layer] if cache else None)
        x = x + mixed
        x = x + _feed_forward(shape, weights, at, _norm(shape, weights, f"{at}mlp_norm", x))
        grown.append(kept)
    x = _norm(shape, weights, "final_norm", x[:, -1:] if last_only else x)
    output = weights["embedding"].T if shape.tied else weights["unembedding"]
    return Prediction(x @ output, tuple(grown))


def _attend(
    shape: TransformerShape,
    weights: Weights,
    at: str,
    row: Array,
    places: NDArray[np.int64],
    cache: LayerCache | None,
) -> tuple[Array, LayerCache]:
    queries = split_heads(_linear(weights, f"{at}query", row), shape.heads)
    keys = split_heads(_linear(weights, f"{at}key", row), shape.kv_heads)
    values = split_heads(_linear(weights, f"{at}value", row), shape.kv_heads)
    if shape.family == "llama":
        queries = rotate(queries, places, base=shape.rotary_base)
        # Keys are cached as they were turned: their position doesn't change any more.
        keys = rotate(keys, places, base=shape.rotary_base)
    heads, grown = cached_attention(queries, keys, values, cache=cache)
    return _linear(weights, f"{at}output", join_heads(heads)), grown


def _feed_forward(shape: TransformerShape, weights: Weights, at: str, row: Array) -> Array:
    if shape.family == "gpt2":
        return _linear(weights, f"{at}down", gelu(_linear(weights, f"{at}up", row)))
    matrices = [weights[at + name] for name in ("gate", "up", "down")]
    if shape.experts == 1:
        return gated_feed_forward(row, *matrices)
    return mixture_of_experts(row, weights[f"{at}router"], *matrices, active=shape.active_experts)


def _linear(weights: Weights, name: str, row: Array) -> Array:
    product = row @ weights[name]
    bias = weights.get(f"{name}_bias")
    return np.asarray(product if bias is None else product + bias)


def _norm(shape: TransformerShape, weights: Weights, name: str, row: Array) -> Array:
    if shape.family == "llama":
        return rms_norm(row, weights[name], epsilon=shape.norm_epsilon)
    return layer_norm(row, weights[name], weights[f"{name}_bias"], epsilon=shape.norm_epsilon)


def _past(shape: TransformerShape, cache: Cache | None) -> int:
    if cache is None:
        return 0
    if len(cache) != shape.layers:
        raise value_error(
            "cache", received=f"{len(cache)} layers", expected=f"{shape.layers} layers"
        )
    return cache[0].positions


def _tokens(shape: TransformerShape, tokens: ArrayLike, past: int) -> NDArray[np.int64]:
    ids = np.asarray(tokens)
    if ids.dtype.kind not in "ui":
        raise type_error("tokens", received=describe(tokens), expected="whole numbers")
    if ids.ndim != 2 or not ids.size:
        raise value_error("tokens", received=describe(ids), expected="shape [batch, n]")
    if ids.min() < 0 or ids.max() >= shape.vocabulary:
        raise value_error(
            "tokens",
            received=f"values from {ids.min()} to {ids.max()}",
            expected=f"0 to {shape.vocabulary - 1}",
        )
    if past + ids.shape[1] > shape.context:
        raise value_error(
            "tokens",
            received=f"{ids.shape[1]} after {past} cached ones",
            expected=f"at most {shape.context} together, the context",
            remedy="Start again from the last part of the text, without a cache.",
        )
    return ids.astype(np.int64)
