"""The forward pass: with a cache as without, and against a second writing of the equations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.formulas.transformer import check_weights, forward, random_weights
from deployworkbook.formulas.transformer_shape import (
    TransformerShape,
    parameter_count,
    weight_shapes,
)

LLAMA = TransformerShape(
    layers=2, width=16, heads=4, kv_heads=2, hidden=24, vocabulary=31, context=12
)
GPT2 = replace(LLAMA, family="gpt2", kv_heads=4, tied=True)
SHAPES = {
    "llama": LLAMA,
    "gpt2": GPT2,
    "multi-query, wider heads": replace(LLAMA, kv_heads=1, head_width=6),
    "biases, tied": replace(LLAMA, attention_biases=True, tied=True),
    "experts": replace(LLAMA, experts=4, active_experts=2),
}


def trained(shape, seed=0):
    """Weights as if trained: large enough that attention isn't flat, with biases and norms."""
    generator = np.random.default_rng(seed)
    return {
        name: generator.normal(size=sizes) * (0.5 if len(sizes) > 1 else 0.2)
        + name.endswith("norm")
        for name, sizes in weight_shapes(shape).items()
    }


def tokens_of(shape, batch, count, seed=0):
    return np.random.default_rng(seed).integers(shape.vocabulary, size=(batch, count))


@settings(max_examples=20)
@given(st.sampled_from(sorted(SHAPES)), st.integers(1, 2), st.data())
def test_with_a_cache_equals_without(name, batch, data):
    shape = SHAPES[name]
    weights, tokens = trained(shape), tokens_of(shape, batch, shape.context)
    cuts = sorted(data.draw(st.sets(st.integers(1, 12), max_size=3)) | {shape.context})
    cache, rows, start = None, [], 0
    for end in cuts:
        part = forward(shape, weights, tokens[:, start:end], cache=cache)
        rows.append(part.logits)
        cache, start = part.cache, end
    whole = forward(shape, weights, tokens)
    np.testing.assert_allclose(np.concatenate(rows, axis=1), whole.logits, rtol=0, atol=1e-12)
    for layer, other in zip(cache, whole.cache, strict=True):
        np.testing.assert_allclose(layer.keys, other.keys, rtol=0, atol=1e-12)
        assert layer.keys.shape == (batch, shape.kv_heads, shape.context, shape.head_width)


@pytest.mark.parametrize("name", ["llama", "gpt2", "experts"])
def test_the_last_position_alone(name):
    shape = SHAPES[name]
    weights, tokens = trained(shape), tokens_of(shape, 2, 5)
    last = forward(shape, weights, tokens, last_only=True).logits
    assert last.shape == (2, 1, shape.vocabulary)
    every = forward(shape, weights, tokens).logits
    np.testing.assert_allclose(last[:, 0], every[:, -1], rtol=0, atol=1e-12)


def test_llama_equals_its_equations_written_out_token_by_token():
    weights, (tokens,) = trained(LLAMA), tokens_of(LLAMA, 1, 5)
    rows = [weights["embedding"][token] for token in tokens]

    def norm(x, scale):
        return x / np.sqrt(np.mean(x**2) + 1e-5) * scale

    def turned(x, position):
        # As complex numbers: (a + ib) e^(ipθ), θ = 10,000^(-2i/e) with e = 4.
        pairs = (x[:2] + 1j * x[2:]) * np.exp(1j * position * np.array([1.0, 0.01]))
        return np.concatenate([pairs.real, pairs.imag])

    for layer in range(2):
        w = {
            key: weights[f"layers.{layer}.{key}"]
            for key in (
                "attention_norm",
                "query",
                "key",
                "value",
                "output",
                "mlp_norm",
                "gate",
                "up",
                "down",
            )
        }
        normed = [norm(x, w["attention_norm"]) for x in rows]
        mixed = []
        for i in range(5):
            heads = []
            for head in range(4):
                own, shared = (
                    np.s_[4 * head : 4 * head + 4],
                    np.s_[4 * (head // 2) : 4 * (head // 2) + 4],
                )
                query = turned((normed[i] @ w["query"])[own], i)
                scores = [
                    query @ turned((normed[j] @ w["key"])[shared], j) / 2 for j in range(i + 1)
                ]
                share = np.exp(scores) / np.exp(scores).sum()
                heads.append(
                    sum(p * (n @ w["value"])[shared] for p, n in zip(share, normed, strict=False))
                )
            mixed.append(np.concatenate(heads) @ w["output"])
        rows = [x + m for x, m in zip(rows, mixed, strict=True)]
        for i, x in enumerate(rows):
            n = norm(x, w["mlp_norm"])
            gate = n @ w["gate"]
            rows[i] = x + (gate / (1 + np.exp(-gate)) * (n @ w["up"])) @ w["down"]
    wanted = [norm(x, weights["final_norm"]) @ weights["unembedding"] for x in rows]
    np.testing.assert_allclose(forward(LLAMA, weights, [tokens]).logits[0], wanted, atol=1e-10)


def test_gpt2_equals_its_equations_by_einsum():
    weights, tokens = trained(GPT2), tokens_of(GPT2, 2, 6)
    x = weights["embedding"][tokens] + weights["positions"][:6]

    def norm(x, name):
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        return (x - x.mean(axis=-1, keepdims=True)) / spread * weights[name] + weights[
            name + "_bias"
        ]

    for layer in range(2):
        at = f"layers.{layer}."

        def linear(x, name, at=at):
            return x @ weights[at + name] + weights[f"{at}{name}_bias"]

        n = norm(x, at + "attention_norm")
        q, k, v = (linear(n, name).reshape(2, 6, 4, 4) for name in ("query", "key", "value"))
        scores = np.exp(np.einsum("bihe,bjhe->bhij", q, k) / 2) * np.tri(6)
        shares = scores / scores.sum(axis=-1, keepdims=True)
        x = x + linear(np.einsum("bhij,bjhe->bihe", shares, v).reshape(2, 6, 16), "output")
        h = linear(norm(x, at + "mlp_norm"), "up")
        h = h / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
        x = x + linear(h, "down")
    wanted = norm(x, "final_norm") @ weights["embedding"].T
    np.testing.assert_allclose(forward(GPT2, weights, tokens).logits, wanted, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_random_weights_are_of_the_shape(shape):
    weights = random_weights(shape)
    check_weights(shape, weights)
    assert sum(array.size for array in weights.values()) == parameter_count(shape)
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}
    tokens = tokens_of(shape, 1, 3)
    logits = forward(shape, weights, tokens).logits
    assert logits.dtype == np.float32
    exact = {name: array.astype(np.float64) for name, array in weights.items()}
    np.testing.assert_allclose(logits, forward(shape, exact, tokens).logits, atol=1e-5)
    again = random_weights(shape)
    assert all((again[name] == weights[name]).all() for name in weights)


@pytest.mark.parametrize(
    ("tokens", "error", "text"),
    [
        ([[0.5]], TypeError, "whole numbers"),
        ([1, 2], ValueError, r"\[batch, n\]"),
        ([[31]], ValueError, "0 to 30"),
        ([[-1]], ValueError, "0 to 30"),
        ([[1] * 13], ValueError, "at most 12 together"),
    ],
)
def test_invalid_tokens_are_refused(tokens, error, text):
    with pytest.raises(error, match=text):
        forward(LLAMA, random_weights(LLAMA), tokens)


def test_a_full_cache_takes_no_more():
    weights = random_weights(LLAMA)
    full = forward(LLAMA, weights, tokens_of(LLAMA, 1, 12)).cache
    with pytest.raises(ValueError, match="1 after 12 cached ones"):
        forward(LLAMA, weights, [[1]], cache=full)
    with pytest.raises(ValueError, match="cache: expected 2 layers"):
        forward(LLAMA, weights, [[1]], cache=full[:1])


def test_weights_of_another_shape_are_refused():
    weights = random_weights(LLAMA)
    with pytest.raises(ValueError, match=r"without \['unembedding'\]"):
        check_weights(LLAMA, {k: v for k, v in weights.items() if k != "unembedding"})
    with pytest.raises(ValueError, match="extra"):
        check_weights(LLAMA, weights | {"extra": np.zeros(1)})
    with pytest.raises(ValueError, match="float16"):
        random_weights(LLAMA, dtype="float16")
