"""The advice for tokens as a page."""

from dataclasses import replace

from deployworkbook.costs.tokens.advise import advise_tokens
from deployworkbook.costs.tokens.page import ASSUMED, token_plan_as_html, token_plan_as_markdown
from deployworkbook.costs.tokens.workload import TokenWorkload

CHAT = TokenWorkload(2.0)


def test_the_page_says_what_to_rent_and_what_an_api_charges():
    advice = advise_tokens(CHAT, ["llama-3.1-8b"])
    best, page = advice.best, token_plan_as_markdown(advice)
    assert page.startswith("# llama-3.1-8b: 121 million tokens per day\n")
    assert f"Rent {best.machines:,.0f} × {best.machine.name} (on-demand) for" in page
    assert f"{best.cost_usd_per_month:,.2f} USD per month" in page
    assert "2 in the busiest hour, of 500 tokens of prompt and 200 of answer" in page
    price, cost = advice.apis()[0]
    assert f"The API {price.name} charges {cost:,.2f} USD for the same tokens" in page
    for each in advice.ranking(8)[1:]:
        assert each.reason in page
    for name in ASSUMED:
        assert advice.catalog.assumptions[name].reason in page
    assert str(best.machine.source) in page
    assert "published measurements" in page


def test_the_page_in_html_has_no_scripts():
    page = token_plan_as_html(advise_tokens(CHAT, ["llama-3.1-8b"]))
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "<h2>Decision</h2>" in page


def test_without_an_answer_or_an_api_it_says_so():
    advice = advise_tokens(replace(CHAT, first_token_objective_ms=0.1), ["llama-2-7b"])
    page = token_plan_as_markdown(advice)
    assert "No machine of the catalogue keeps the objectives." in page
    assert "no API for these models" in page
