"""USD and joules per million tokens, an API's price, and the break-even: by hand and in general."""

import math
from dataclasses import replace

import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.api import api_usd_per_million, break_even, prices_of
from deployworkbook.costs.tokens.bill import token_bill
from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer
from deployworkbook.costs.tokens.speed import token_speed

CATALOG = load_catalog()
SMALL = CATALOG.language_model("llama-3.1-8b")
LARGE = CATALOG.language_model("llama-3.1-70b")
L4, H100 = CATALOG.accelerator("l4"), CATALOG.accelerator("h100")
LENGTHS = {"prompt_tokens": 500, "answer_tokens": 200}


def test_what_all_tokens_cost_is_what_the_devices_cost():
    server = TokenServer(SMALL, L4, batch=16)
    bill = token_bill(server, utilisation_share=0.25, **LENGTHS)
    assert (bill.machine.name, bill.usd_per_hour) == ("g6.xlarge", 0.8048)
    # In an hour it answers a quarter of the requests that it could.
    requests = 3600 * 0.25 * float(bill.speed.requests_per_s)
    prompts = requests * 500 / 1e6 * bill.prompt_usd_per_million
    answers = requests * 200 / 1e6 * bill.answer_usd_per_million
    assert prompts + answers == pytest.approx(0.8048, rel=1e-9)
    assert requests * bill.usd_per_request == pytest.approx(0.8048, rel=1e-9)
    # Its energy is 72 W for a quarter of the hour, and 17 % of it otherwise.
    joules = requests * (500 * bill.prompt_joules_per_token + 200 * bill.answer_joules_per_token)
    assert joules == pytest.approx(3600 * 72 * (0.25 + 0.75 * 0.17), rel=1e-9)


def test_busier_servers_and_reserved_ones_are_cheaper_per_token():
    server = TokenServer(SMALL, L4, batch=8)
    busy, idle = (token_bill(server, utilisation_share=u, **LENGTHS) for u in (1.0, 0.1))
    assert idle.answer_usd_per_million == pytest.approx(10 * busy.answer_usd_per_million)
    assert idle.answer_joules_per_token > busy.answer_joules_per_token
    year = token_bill(server, utilisation_share=1.0, terms="one-year", **LENGTHS)
    discount = CATALOG.value("one_year_discount_share")
    assert year.answer_usd_per_million == pytest.approx(
        (1 - discount) * busy.answer_usd_per_million
    )
    assert year.answer_joules_per_token == busy.answer_joules_per_token


def test_larger_batches_make_answers_cheap_until_the_objective_is_missed():
    bills = [token_bill(TokenServer(SMALL, L4, batch=n), **LENGTHS) for n in (1, 4, 16, 64)]
    costs = [bill.answer_usd_per_million for bill in bills]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 10 * costs[-1]
    assert {round(bill.prompt_usd_per_million, 9) for bill in bills} == {
        round(bills[0].prompt_usd_per_million, 9)
    }
    times = [float(bill.speed.between_tokens_s) * 1e3 for bill in bills]
    kept = [bill.keeps(between_tokens_ms=times[1]) for bill in bills]
    assert kept == [True, True, False, False]
    assert not bills[0].keeps(first_token_ms=1.0, between_tokens_ms=1e6)


def test_a_part_of_a_machine_costs_its_part():
    server = TokenServer(LARGE, H100, 2, PRECISIONS[8], batch=16)
    bill = token_bill(server, **LENGTHS)
    # Two devices are only in the machine with eight of them.
    assert bill.machine.name == "p5.48xlarge"
    assert bill.usd_per_hour == pytest.approx(55.04 / 4)


def test_what_does_not_fit_is_refused_with_the_room_there_is():
    with pytest.raises(
        ValueError, match=r"in 77 GB, what may be used of 1 × h100\. Received: 141 GB"
    ):
        token_bill(TokenServer(LARGE, H100), **LENGTHS)
    fit = TokenServer(SMALL, L4).largest_batch(700, CATALOG)
    with pytest.raises(ValueError, match=rf"batch: expected at most {fit}, which fit beside 16 GB"):
        token_bill(TokenServer(SMALL, L4, batch=fit + 1), **LENGTHS)
    with pytest.raises(ValueError, match="devices: expected at most 8"):
        token_bill(TokenServer(SMALL, L4, 16), **LENGTHS)
    (machine, *_) = CATALOG.machines_with("h100")
    with pytest.raises(ValueError, match=r"machine: expected a machine with at least 1 × l4"):
        token_bill(TokenServer(SMALL, L4), machine=machine, **LENGTHS)
    with pytest.raises(ValueError, match="utilisation_share"):
        token_bill(TokenServer(SMALL, L4), utilisation_share=0.0, **LENGTHS)


def test_an_unpublished_power_is_assumed():
    tpu = CATALOG.accelerator("tpu-v6e")
    bill = token_bill(TokenServer(SMALL, tpu), utilisation_share=1.0, **LENGTHS)
    seconds = float(bill.speed.answer_token_s)
    watts = CATALOG.value("unpublished_tpu_watts")
    assert bill.answer_joules_per_token == pytest.approx(watts * seconds)


def test_an_api_charges_by_the_token():
    price = CATALOG.token_prices["replicate-70b"]
    assert api_usd_per_million(price, 500, 200) == pytest.approx((500 * 0.65 + 200 * 2.75) / 700)
    assert [each.name for each in prices_of("mixtral-8x7b")] == ["replicate-mixtral"]
    with pytest.raises(ValueError, match="language model: expected one of"):
        prices_of("gpt")


def test_the_break_even_by_hand():
    server = TokenServer(LARGE, H100, 2, PRECISIONS[8], batch=64)
    bill = token_bill(server, **LENGTHS)
    found = break_even(bill, CATALOG.token_prices["replicate-70b"])
    # 24 h of 55.04 USD; four servers of two devices each.
    assert found.own_usd_per_day == pytest.approx(24 * 55.04)
    rate = float(token_speed(server, **LENGTHS).requests_per_s)
    assert found.capacity_tokens_per_day == pytest.approx(86_400 * 4 * rate * 700)
    assert found.tokens_per_day == pytest.approx(24 * 55.04 / (875 / 700) * 1e6)
    assert found.utilisation_share == pytest.approx(
        found.tokens_per_day / found.capacity_tokens_per_day
    )
    # Just above it, the machine is the cheaper one, and just below it isn't.
    for factor, own_is_cheaper in ((1.001, True), (0.999, False)):
        api = factor * found.tokens_per_day / 1e6 * found.api_usd_per_million
        assert (found.own_usd_per_day < api) == own_is_cheaper


def test_a_machine_that_is_dearer_when_full_never_pays():
    bill = token_bill(TokenServer(SMALL, L4, batch=1), **LENGTHS)
    found = break_even(bill, CATALOG.token_prices["groq-8b"])
    assert found.tokens_per_day == math.inf
    assert found.utilisation_share > 1
    # Less of its time may be used, so that more never pay.
    large = token_bill(TokenServer(LARGE, H100, 2, PRECISIONS[8], batch=64), **LENGTHS)
    price = CATALOG.token_prices["replicate-70b"]
    half = break_even(large, price, most_busy_share=0.5)
    whole = break_even(large, price)
    assert half.capacity_tokens_per_day == pytest.approx(0.5 * whole.capacity_tokens_per_day)
    free = replace(price, prompt_usd_per_million=0.0, answer_usd_per_million=0.0)
    never = break_even(large, free)
    assert (never.tokens_per_day, never.utilisation_share) == (math.inf, math.inf)
