"""The cache explorer shows what the formulas and the catalogue say."""

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.widgets.cache_memory import EACH, SINGLE, cache_explorer
from tests.controls import made_once

CATALOG = load_catalog()


@made_once
def a_70b_model():
    return cache_explorer(model="llama-3.1-70b")


@pytest.fixture
def explorer():
    return a_70b_model()


def test_the_cache_is_that_computed_by_hand(explorer):
    # 80 layers, 8 heads of 128 numbers, twice, two bytes each.
    result = explorer.set(tokens=1000, users=10)
    assert result.token_bytes == 2 * 80 * 8 * 128 * 2
    assert result.cache_bytes == 10 * 1000 * 327_680
    rows = dict(explorer._view.table(result))
    assert rows["numbers per token: 2 · layers · heads · width"] == "2 · 80 · 8 · 128"
    assert rows["caches of all users"] == "3.28 GB"


def test_heads_and_bits_change_it_in_proportion(explorer):
    usual = explorer.result.token_bytes
    assert explorer.set(grouping=EACH).token_bytes == 8 * usual
    assert explorer.set(grouping=SINGLE).token_bytes == usual / 8
    assert explorer.set(cache_bits=4).token_bytes == usual / 32


def test_a_device_holds_the_users_that_it_says(explorer):
    result = explorer.set(precision="4 bits", tokens=4000)
    room = CATALOG.accelerator("h100").memory_bytes * CATALOG.value("accelerator_memory_share")
    each = 4000 * result.token_bytes
    users = result.fitting["h100"]
    assert users > 0
    assert result.weight_bytes + users * each <= room < result.weight_bytes + (users + 1) * each
    assert result.fitting["t4"] == 0


def test_totals_grow_from_the_weights(explorer):
    result = explorer.set(tokens=500)
    for totals in result.totals_bytes.values():
        assert (np.diff(totals) > 0).all()
    assert result.totals_bytes["as published"][0] == result.weight_bytes + 500 * result.token_bytes


def test_the_text_names_the_devices_that_hold_all(explorer):
    explorer.set(precision="4 bits", users=1, tokens=1000)
    assert "a100, h100, h200" in explorer._view.picture.alt
    explorer.set(users=1000, tokens=100_000)
    assert "No device holds them" in explorer._view.picture.alt
