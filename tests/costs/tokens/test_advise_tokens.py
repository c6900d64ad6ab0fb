"""Advice for tokens: against brute force, the losers' reasons, and a simulation of the winner."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.costs.estimation.workload import OFFICE_DAY, WORK_WEEK
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.advise import BATCHES, PARALLEL, advise_tokens
from deployworkbook.costs.tokens.server import TokenServer, precision_of
from deployworkbook.costs.tokens.speed import token_speed
from deployworkbook.costs.tokens.workload import TokenWorkload
from deployworkbook.formulas.erlang import erlang_c

CATALOG = load_catalog()
CHAT = TokenWorkload(2.0)


def by_brute_force(workload, models, bits, accelerators, batches, terms):
    """Return the cost of each combination that keeps the objectives, one server after the other."""
    costs = {}
    lengths = {"prompt_tokens": workload.prompt_tokens, "answer_tokens": workload.answer_tokens}
    share = {"on-demand": 0.0, "one-year": CATALOG.value("one_year_discount_share")}[terms]
    for model in models:
        for form in bits:
            for name in accelerators:
                for machine in CATALOG.machines_with(name):
                    for devices in PARALLEL:
                        for batch in batches:
                            if devices > machine.devices:
                                continue
                            server = TokenServer(
                                CATALOG.language_model(model),
                                CATALOG.accelerator(name),
                                devices,
                                precision_of(form),
                                batch,
                            )
                            if server.largest_batch(sum(lengths.values()), CATALOG) < batch:
                                continue
                            speed = token_speed(server, **lengths)
                            rate, prompt = float(speed.requests_per_s), float(speed.prompt_s)
                            peak = workload.peak_requests_per_s
                            servers = max(1, math.ceil(peak / (0.6 * rate) - 1e-9))
                            each = peak / servers
                            late = float(erlang_c(batch, each / rate * batch))
                            wait = max(0.0, math.log(max(late, 1e-300) / 0.01)) / (rate - each)
                            load = each * prompt
                            tail = max(0.0, math.log(max(load, 1e-300) / 0.01))
                            wait += tail * prompt / (2 * (1 - load))
                            first = float(speed.first_token_s) + wait
                            if first * 1e3 > workload.first_token_objective_ms:
                                continue
                            between = float(speed.between_tokens_s) * 1e3
                            if between > workload.between_tokens_objective_ms:
                                continue
                            number = math.ceil(servers / (machine.devices // devices))
                            cost = number * machine.price_usd_per_hour * (1 - share) * 730
                            costs[model, form, machine.name, devices, batch] = cost
    return costs


@settings(max_examples=5)
@given(
    st.floats(0.0, 200.0),
    st.integers(1, 3000),
    st.integers(1, 900),
    st.floats(30, 3000),
    st.floats(8, 200),
    st.sampled_from(["on-demand", "one-year"]),
    st.lists(
        st.sampled_from(["l4", "a10g", "h100", "tpu-v5e"]), min_size=1, max_size=2, unique=True
    ),
    st.booleans(),
)
def test_the_advice_equals_brute_force(rate, prompt, answer, first, between, terms, chips, office):
    shapes = {"daily_shape": OFFICE_DAY, "weekly_shape": WORK_WEEK} if office else {}
    workload = TokenWorkload(rate, prompt, answer, first, between, **shapes)
    models, bits, batches = ("mixtral-8x7b", "llama-3.1-8b"), (16, 4), (1, 64)
    costs = by_brute_force(workload, models, bits, chips, batches, terms)
    advice = advise_tokens(
        workload, models, bits=bits, accelerators=chips, batches=batches, terms=terms
    )
    assert advice.feasible.sum() == len(costs)
    if not costs:
        assert advice.best is None
        return
    best = advice.best
    assert best.cost_usd_per_month == pytest.approx(min(costs.values()), rel=1e-9)
    key = (best.server.model.name, best.bits, best.machine.name)
    assert costs[(*key, best.server.devices, best.server.batch)] == pytest.approx(
        best.cost_usd_per_month
    )
    # Of those that cost as much to the cent, the first that was listed.
    cheapest = [
        key for key, cost in costs.items() if round(cost, 2) == round(min(costs.values()), 2)
    ]
    assert (*key, best.server.devices, best.server.batch) == cheapest[0]


@pytest.mark.timing
def test_all_of_the_catalogue_takes_less_than_200_ms():
    models = list(CATALOG.language_models)
    advise_tokens(CHAT, models)
    taken = []
    for _ in range(3):
        start = time.process_time()
        advice = advise_tokens(CHAT, models)
        assert advice.best is not None
        taken.append(time.process_time() - start)
    assert advice.too_large.size > 10_000
    assert min(taken) < 0.2


@pytest.mark.parametrize(("rate", "by"), [(2.0, "tie"), (50.0, "price")])
def test_each_loser_has_its_reason(rate, by):
    advice = advise_tokens(
        replace(CHAT, requests_per_s=rate, between_tokens_objective_ms=20.0),
        ["llama-3.1-70b"],
        accelerators=["l4", "h100"],
    )
    found = [advice.choice(flat) for flat in range(advice.too_large.size)]
    assert len(found) == 3 * 5 * len(PARALLEL) * len(BATCHES)
    said = {each.lost_by for each in found}
    assert {("cheapest",), (by,), ("memory",), ("between tokens",)} <= said
    for each in found:
        assert (each.cost_usd_per_month == math.inf) == (each.lost_by == ("memory",))
        if each.lost_by == ("between tokens",):
            assert each.between_tokens_s > 0.02
            assert f"{each.between_tokens_s * 1e3:,.0f} ms between tokens, 20 asked" in each.reason
        if each.lost_by == ("cheapest",):
            assert each == advice.best
    reasons = " ".join(each.reason for each in found if each.lost_by == ("memory",))
    assert "141 GB of weights leave room for 0 of 1 answers" in reasons
    assert "g6.xlarge has fewer devices" in reasons


def test_cheaper_in_parts():
    advice = advise_tokens(CHAT, ["llama-3.1-8b", "llama-3.1-70b"])
    best = advice.best
    assert best.server.model.name == "llama-3.1-8b"
    assert advice.ranking(1) == [best]
    costs = [each.cost_usd_per_month for each in advice.ranking(8)]
    assert costs == sorted(costs)
    large = advice.cheapest_of(model="llama-3.1-70b", bits=16)
    assert large.cost_usd_per_month > best.cost_usd_per_month
    assert (large.server.model.name, large.bits) == ("llama-3.1-70b", 16)
    assert advice.cheapest_of(model="llama-3.1-70b", accelerator="t4") is None
    names = [price.name for price, _ in advice.apis()]
    assert set(names) == {"groq-8b", "replicate-8b", "groq-70b", "together-70b", "replicate-70b"}
    # 2 · 2,628,000 requests a month of 500 tokens at 0.05 and 200 at 0.08 USD a million.
    assert advice.apis()[0][1] == pytest.approx(5.256 * (500 * 0.05 + 200 * 0.08))


def test_more_traffic_costs_more_and_a_million_tokens_less():
    found = [
        advise_tokens(replace(CHAT, requests_per_s=rate), ["llama-3.1-8b"]).best
        for rate in (0.1, 1.0, 10.0, 100.0)
    ]
    assert [each.cost_usd_per_month for each in found] == sorted(
        each.cost_usd_per_month for each in found
    )
    assert [each.usd_per_million for each in found] == sorted(
        (each.usd_per_million for each in found), reverse=True
    )
    idle = advise_tokens(replace(CHAT, requests_per_s=0.0), ["llama-3.1-8b"]).best
    assert (idle.servers, idle.usd_per_million, idle.busy_share) == (1, math.inf, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"models": []}, "models: expected at least one"),
        ({"models": ["llama"]}, "language model: expected one of"),
        ({"bits": [5]}, "bits: expected one of 16, 8, 4"),
        ({"bits": []}, "bits: expected at least one"),
        ({"batches": [0]}, "batches"),
        ({"accelerators": ["h1000"]}, "Did you mean h100"),
        ({"terms": "weekly"}, "terms: expected one of"),
    ],
)
def test_impossible_questions_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        advise_tokens(CHAT, **{"models": ["llama-3.1-8b"], **arguments})
    with pytest.raises(ValueError, match="llama-2-7b with a context of 4,096"):
        advise_tokens(TokenWorkload(1.0, 4000, 100), ["llama-2-7b"])
    with pytest.raises(ValueError, match="first_token_objective_ms"):
        TokenWorkload(1.0, first_token_objective_ms=0)
    with pytest.raises(ValueError, match="requests_per_s"):
        TokenWorkload(-1.0)


def test_no_answer_is_an_answer():
    hurried = replace(CHAT, first_token_objective_ms=0.1)
    advice = advise_tokens(hurried, ["llama-3.1-70b"])
    assert advice.best is None
    assert advice.cheapest_of() is None
    assert all("first token" in each.reason for each in advice.ranking(3))
    assert np.isfinite([each.cost_usd_per_month for each in advice.ranking(3)]).all()
