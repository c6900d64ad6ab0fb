"""The roofline explorer shows what the formulas and the catalogue say."""

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.server import TokenServer, precision_of
from deployworkbook.costs.tokens.speed import token_speed
from deployworkbook.widgets.token_roofline import BATCHES, roofline_explorer
from tests.controls import made_once

CATALOG = load_catalog()


@made_once
def an_8b_model_on_an_a100():
    return roofline_explorer()


@pytest.fixture
def explorer():
    return an_8b_model_on_an_a100()


@pytest.mark.parametrize(("bits", "batch"), [(16, 1), (4, 64)])
def test_times_are_those_of_the_costs(explorer, bits, batch):
    result = explorer.set(precision=f"{bits} bits", batch=batch, tokens=2000)
    server = TokenServer(
        CATALOG.language_model("llama-3.1-8b"),
        CATALOG.accelerator("a100"),
        precision=precision_of(bits),
        batch=batch,
    )
    speed = token_speed(server, prompt_tokens=2000, answer_tokens=1)
    assert result.step_s == pytest.approx(float(speed.step_s))
    assert result.tokens_per_s == pytest.approx(batch / float(speed.step_s))
    assert result.rates[bits][BATCHES.index(batch)] == pytest.approx(result.tokens_per_s)
    assert result.largest_batch == server.largest_batch(2000, CATALOG)


def test_the_parts_of_a_step_sum_to_it_but_for_calls(explorer):
    result = explorer.set(batch=8, tokens=4000)
    parts = max(result.weights_s) + max(result.cache_s)
    calls = 32 * CATALOG.value("layer_call_us") * 1e-6
    assert result.step_s == pytest.approx(parts + calls)


def test_writing_alone_is_limited_by_reading_weights_and_bits_are_time(explorer):
    sixteen = explorer.set(batch=1)
    four = explorer.set(precision="4 bits")
    assert sixteen.limit == four.limit == "reading the weights"
    # Two operations per weight, of two bytes or of 4.5 bits.
    assert sixteen.intensities[0] == pytest.approx(1.0)
    assert four.intensities[0] == pytest.approx(16 / 4.5)
    assert four.tokens_per_s > 2.5 * sixteen.tokens_per_s


def test_a_large_batch_is_limited_by_arithmetic_and_long_texts_by_their_caches(explorer):
    assert explorer.set(batch=128, tokens=200).limit == "arithmetic"
    result = explorer.set(batch=128, tokens=2500)
    assert result.limit == "reading the caches"
    assert result.cache_share > 0.5
    # Four queries share a key, so a byte of the cache serves four operations at any batch.
    assert result.intensities[1] == pytest.approx(4, rel=0.01)


def test_what_does_not_fit_has_no_rate(explorer):
    result = explorer.set(model="llama-3.1-70b", accelerator="l4")
    assert result.largest_batch == 0
    assert not result.fits
    assert np.isnan(result.rates[16]).all()
    assert "don't fit into" in explorer._view.picture.alt
    assert ("tokens per second, all sequences", "doesn't fit") in explorer._view.table(result)
    # Eight of them have room for the weights in 4 bits.
    assert explorer.set(devices=8, precision="4 bits").fits


def test_a_text_has_no_more_tokens_than_the_context(explorer):
    assert explorer.set(model="llama-2-7b", tokens=100_000).tokens == 4096


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"Did you mean llama-3\.1-8b"):
        roofline_explorer(model="llama-3.1-8")
