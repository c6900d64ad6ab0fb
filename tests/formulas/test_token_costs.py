"""Operations, bytes and time of prefill and decode: by hand, by sums, and against publications."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.token_costs import (
    cache_bytes_per_token,
    largest_batch,
    saturating_batch,
    step_seconds,
    step_work,
    weight_bytes,
)
from deployworkbook.formulas.transformer_shape import (
    TransformerShape,
    matrix_sizes,
    parameter_count,
)
from tests.formulas.published_shapes import GPT3, LLAMA2_70B, MIXTRAL

# One layer of width 2, one head, an MLP of 3 and five tokens: 16 + 18 + 10 weights in matrices.
TINY = TransformerShape(
    layers=1, width=2, heads=1, kv_heads=1, hidden=3, vocabulary=5, context=8, tied=True
)
MACHINE = {"operations_per_s": 1e12, "bytes_per_s": 1e11}


def test_by_hand():
    work = step_work(TINY, new=1, past=3, batch=2, weight_bits=8, cache_bits=16)
    assert work.matrix_operations == 2 * 2 * (16 + 18 + 10)
    # Each of two queries meets four keys and four values of two numbers.
    assert work.attention_operations == 2 * (2 * 4 * 2 + 2 * 4 * 2)
    assert work.weight_bytes == 16 + 18 + 10
    # Two sequences, three positions read and one written, a key and a value of two numbers each.
    assert work.cache_bytes == 2 * 4 * 2 * 2 * 2
    assert work.tokens == 2


def test_operations_per_token_are_twice_the_parameters():
    # Kaplan et al. 2020, table 1: 2 N + 2 n_layer n_ctx d_attn, with N without embeddings.
    n = GPT3.context
    work = step_work(GPT3, new=n, last_only=False)
    sizes = matrix_sizes(GPT3)
    published = 2 * (sizes.attention + sizes.expert) + 2 * GPT3.layers * n * GPT3.query_width
    logits = 2 * sizes.unembedding
    assert float(work.operations) / n == pytest.approx(published + logits, rel=1e-3)
    # GPT-3's 175 B: one token costs about 350 GFLOP.
    assert float(work.operations) / n == pytest.approx(2 * parameter_count(GPT3), rel=0.04)


@pytest.mark.parametrize(
    ("shape", "published"),
    [
        # 2 · 80 · 8 · 128 · 2 bytes: 0.31 MB, by Llama 2's grouped-query attention with 8 heads.
        (LLAMA2_70B, 327_680),
        # 4.5 MB for GPT-3's shape, 2 · 96 · 12288 · 2.
        (GPT3, 4_718_592),
    ],
)
def test_cache_bytes(shape, published):
    assert cache_bytes_per_token(shape) == published
    assert cache_bytes_per_token(shape, cache_bits=8) == published / 2


def test_fewer_heads_of_keys_save_cache_in_proportion():
    multi_head = replace(LLAMA2_70B, kv_heads=64)
    assert cache_bytes_per_token(multi_head) == 8 * cache_bytes_per_token(LLAMA2_70B)


def test_a_70b_model_takes_140_gb_in_16_bits():
    assert float(weight_bytes(LLAMA2_70B)) == 2 * parameter_count(LLAMA2_70B)
    assert round(float(weight_bytes(LLAMA2_70B)) / 1e9) == 138


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 5))
def test_prefill_computes_what_as_many_decode_steps_do(new, past, batch):
    at_once = step_work(TINY, new=new, past=past, batch=batch, last_only=False)
    steps = step_work(TINY, new=1, past=past + np.arange(new), batch=batch)
    np.testing.assert_allclose(at_once.operations, steps.operations.sum())
    # But it reads the weights once.
    np.testing.assert_allclose(at_once.weight_bytes * new, steps.weight_bytes.sum())


def test_a_batch_shares_weights_but_not_caches():
    one, many = (step_work(LLAMA2_70B, new=1, past=100, batch=size) for size in (1, 32))
    assert many.weight_bytes == one.weight_bytes
    assert many.cache_bytes == 32 * one.cache_bytes
    assert many.operations == 32 * one.operations


def test_decode_of_16_bits_at_batch_1_has_an_intensity_of_1():
    assert float(step_work(LLAMA2_70B, new=1).intensity) == pytest.approx(1.0, rel=0.01)
    assert float(step_work(LLAMA2_70B, new=1, weight_bits=4).intensity) == pytest.approx(
        4, rel=0.01
    )


def test_a_token_reads_its_own_experts_only():
    sizes = matrix_sizes(MIXTRAL)
    shared = sizes.attention + sizes.router + sizes.unembedding
    one = step_work(MIXTRAL, new=1, batch=1)
    assert float(one.weight_bytes) == pytest.approx(2 * (shared + 2 * sizes.expert))
    many = step_work(MIXTRAL, new=1, batch=256)
    assert float(many.weight_bytes) == pytest.approx(2 * (shared + 8 * sizes.expert))
    assert float(many.matrix_operations) == 256 * 2 * (shared + 2 * sizes.expert)


def test_expected_experts_equal_those_of_random_routers():
    rng = np.random.default_rng(0)
    seen = [
        len(np.unique([rng.choice(8, 2, replace=False) for _ in range(5)])) for _ in range(2000)
    ]
    sizes = matrix_sizes(MIXTRAL)
    work = step_work(MIXTRAL, new=1, batch=5)
    read = float(work.weight_bytes) / 2 - sizes.attention - sizes.router - sizes.unembedding
    # The standard error of 2,000 draws is about 0.02 experts.
    assert read / sizes.expert == pytest.approx(np.mean(seen), abs=0.1)


def test_time_is_the_sum_of_two_bounds():
    work = step_work(LLAMA2_70B, new=1, past=4000, batch=500)
    computing = float(work.matrix_operations) / 1e12  # longer than reading the weights
    reading = float(work.cache_bytes) / 1e11  # longer than the attention's arithmetic
    assert float(step_seconds(work, **MACHINE)) == pytest.approx(computing + reading)
    assert float(step_seconds(work, call_s=2.0, **MACHINE)) == pytest.approx(
        computing + reading + 2.0
    )


def test_at_the_saturating_batch_matrices_take_as_long_to_read_as_to_compute():
    batch = saturating_batch(weight_bits=4.5, **MACHINE)
    work = step_work(LLAMA2_70B, new=1, batch=batch, weight_bits=4.5)
    assert float(work.matrix_operations) / 1e12 == pytest.approx(float(work.weight_bytes) / 1e11)


def test_the_largest_batch_fits_and_one_more_does_not():
    memory = 160e9
    batch = largest_batch(LLAMA2_70B, memory_bytes=memory, tokens=2048)
    each = 2048 * 327_680
    taken = float(weight_bytes(LLAMA2_70B)) + batch * each
    assert taken <= memory < taken + each
    assert largest_batch(LLAMA2_70B, memory_bytes=80e9, tokens=2048) == 0
    assert largest_batch(LLAMA2_70B, memory_bytes=80e9, tokens=2048, weight_bits=4.5) > 0


def test_arrays_broadcast():
    work = step_work(TINY, new=1, past=np.arange(3)[:, None], batch=[1, 2], weight_bits=[4, 8])
    assert work.operations.shape == work.weight_bytes.shape == work.tokens.shape == (3, 2)


def test_more_tokens_than_the_context_are_refused():
    with pytest.raises(ValueError, match="tokens: expected at most the context, 4096"):
        largest_batch(LLAMA2_70B, memory_bytes=1e12, tokens=5000)


@pytest.mark.parametrize("change", [{"new": 0}, {"past": -1}, {"batch": 0}, {"weight_bits": 0}])
def test_numbers_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        step_work(TINY, **{"new": 1, **change})
