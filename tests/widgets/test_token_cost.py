"""The token cost explorer shows what the costs say."""

from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.api import break_even
from deployworkbook.costs.tokens.bill import token_bill
from deployworkbook.costs.tokens.server import TokenServer, precision_of
from deployworkbook.widgets.token_cost import BATCHES, token_cost_explorer
from tests.controls import made_once

CATALOG = load_catalog()


@made_once
def a_70b_model():
    return token_cost_explorer()


@pytest.fixture
def explorer():
    return a_70b_model()


@pytest.mark.parametrize("terms", ["on-demand", "three-years"])
def test_costs_and_break_even_are_those_of_the_costs(explorer, terms):
    result = explorer.set(batch=128, utilisation=80, terms=terms)
    server = TokenServer(
        CATALOG.language_model("llama-3.1-70b"),
        CATALOG.accelerator("h100"),
        devices=2,
        precision=precision_of(8),
        batch=128,
    )
    bill = token_bill(
        server, prompt_tokens=500, answer_tokens=200, utilisation_share=0.8, terms=terms
    )
    assert result.machine == bill.machine.name
    assert result.largest_batch == bill.largest_batch
    assert result.usd_per_million == pytest.approx(1e6 * bill.usd_per_request / 700)
    assert result.curves[8][BATCHES.index(128)] == pytest.approx(result.usd_per_million)
    price = min(
        (each for each in CATALOG.token_prices.values() if each.name in result.api),
        key=lambda each: result.api[each.name],
    )
    found = break_even(bill, price, most_busy_share=0.8)
    assert result.cheapest_api == pytest.approx(found.api_usd_per_million)
    assert result.break_even == pytest.approx(found.tokens_per_day)
    # One machine is enough up to what it can do, at what it costs a day.
    enough = result.tokens_per_day < found.capacity_tokens_per_day
    np.testing.assert_allclose(result.own_usd_per_day[enough], found.own_usd_per_day)
    assert (result.own_usd_per_day[~enough] >= 2 * found.own_usd_per_day - 1e-6).all()


def test_a_server_half_as_busy_costs_twice_as_much(explorer):
    costs = [explorer.set(utilisation=share).usd_per_million for share in (80, 40)]
    assert costs[1] == pytest.approx(2 * costs[0])


def test_larger_batches_are_cheaper_per_token(explorer):
    curve = explorer.result.curves[8]
    assert (np.diff(curve[np.isfinite(curve)]) < 0).all()


def test_what_does_not_fit_has_no_cost(explorer):
    result = explorer.set(devices=1, precision="16 bits")
    assert not result.fits
    assert np.isnan(result.usd_per_million)
    assert np.isnan(result.own_usd_per_day).all()
    assert "don't fit" in explorer._view.picture.alt
    assert ("million tokens, own", "doesn't fit") in explorer._view.table(result)


def test_no_more_devices_than_a_machine_has(explorer):
    result = explorer.set(accelerator="t4", devices=8, model="llama-2-7b", precision="8 bits")
    assert (result.devices, result.machine) == ("4 × t4", "g4dn.12xlarge")


def test_a_model_without_an_api_has_no_break_even(explorer):
    result = explorer.set(model="llama-2-7b")
    assert result.api == {}
    assert result.break_even == np.inf
    assert "No API" in explorer._view.picture.alt
    assert ("million tokens, cheapest API", "none has the model") in explorer._view.table(result)


def test_a_text_longer_than_the_context_is_cut(explorer):
    explorer.set(model="llama-2-7b", prompt_tokens=32_000, precision="4 bits", batch=1)
    assert explorer.result.fits


def test_prices_of_ones_own_are_used():
    machines = {
        name: replace(machine, price_usd_per_hour=machine.price_usd_per_hour / 10)
        for name, machine in CATALOG.accelerator_machines.items()
    }
    book = replace(CATALOG, accelerator_machines=machines)
    cheap = token_cost_explorer(catalog=book).result
    assert cheap.usd_per_million < token_cost_explorer().result.usd_per_million
