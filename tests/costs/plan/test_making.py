"""The plan: what it decides, and its page in Markdown and HTML."""

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.plan.making import make_plan
from deployworkbook.costs.plan.sections import sections_of
from deployworkbook.costs.plan.text import plan_as_html, plan_as_markdown


@pytest.fixture
def plan(int8, float32):
    workload = Workload(2000.0, daily_shape=OFFICE_DAY, growth_share_per_month=0.05)
    advice = advise(workload, [float32, int8], accuracy_share=0.97, memory_bytes=1e9)
    return make_plan(advice, measured_on="a machine <here> | there")


def test_it_is_about_the_best_choice(plan):
    assert plan.choice == plan.advice.best
    assert (
        plan.cost.total_usd_per_month
        == estimate(plan.advice.workload, plan.deployment).total_usd_per_month
    )
    assert plan.capacity.replicas == plan.cost.replicas_at_peak
    assert plan.capacity.response_s <= 0.1
    assert plan.later.total_usd_per_month > plan.cost.total_usd_per_month


def test_markdown_says_decision_cost_saving_and_basis(plan):
    page = plan_as_markdown(plan)
    assert page.startswith("# Deployment plan: int8 on ")
    assert f"{plan.cost.total_usd_per_month:,.2f} USD a month" in page
    saved = plan.reference_usd_per_month - plan.cost.total_usd_per_month
    assert saved > 0
    assert f"this plan saves {saved:,.2f} USD a month" in page
    assert "3.9 times smaller" in page
    assert "2026-01-19" in page
    assert "modelled" in page
    assert "measured" in page
    assert "All 70 combinations" in page  # 2 profiles × 35 machines
    assert "nine of ten draws" in page


def test_each_table_of_the_markdown_is_whole(plan):
    for block in plan_as_markdown(plan).split("\n\n"):
        if block.startswith("|"):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1


def test_the_shares_of_the_four_kinds_sum_to_one(plan):
    (section,) = [each for each in sections_of(plan) if each.title == "Costs"]
    *kinds, total = section.rows
    amounts = [float(row[1].replace(",", "")) for row in kinds]
    assert sum(amounts) == pytest.approx(float(total[1].replace(",", "")))
    assert len(kinds) == 4


def test_the_page_is_html_that_needs_nothing_else(plan):
    text = plan_as_html(plan)
    page = BeautifulSoup(text, "html.parser")
    assert page.html["lang"] == "en"
    assert page.title.text == page.h1.text
    assert not page.find_all(["script", "link", "img", "iframe"])
    assert "http" not in str(page.style)
    # What is not ours is escaped.
    assert "a machine <here> | there" in page.text
    assert page.find("here") is None
    assert [each.text for each in page.find_all("h2")] == [each.title for each in sections_of(plan)]
    for table in page.find_all("table"):
        widths = {len(row.find_all(["td", "th"])) for row in table.find_all("tr")}
        assert len(widths) == 1
        assert all(cell["scope"] == "col" for cell in table.thead.find_all("th"))


def test_both_pages_say_the_same(plan):
    page = BeautifulSoup(plan_as_html(plan), "html.parser").text
    for section in sections_of(plan):
        for sentence in (*section.text, *section.items):
            assert sentence in page
            assert sentence in plan_as_markdown(plan)


def test_without_another_form_nothing_is_said_to_be_saved(int8, float32):
    for alone in (int8, replace(float32, service_ms=1.0)):
        page = plan_as_markdown(make_plan(advise(Workload(1.0), [alone])))
        assert "No other form of the model" in page


def test_growth_is_said_where_there_is_some(plan, int8):
    assert "After 12 months with 5% growth a month" in plan_as_markdown(plan)
    still = make_plan(advise(Workload(1.0), [int8]))
    assert "taken to stay as they are" in plan_as_markdown(still)


def test_growth_that_outgrows_the_choice_is_said(int8):
    workload = Workload(100.0, growth_share_per_month=1.0)
    slow = replace(int8, service_ms=5.0)
    plan = make_plan(advise(workload, [slow], devices=200, machines=["raspberry-pi-5-4gb"]))
    assert plan.later is None
    assert plan.capacity is None
    assert "outgrow" in plan_as_markdown(plan)


def test_where_nothing_holds_the_nearest_misses_are_told(int8):
    advice = advise(Workload(1.0), [int8], accuracy_share=0.999)
    with pytest.raises(
        ValueError, match=r"objectives.*Nearest: int8 in litert on .*accurate"
    ) as told:
        make_plan(advice)
    assert str(told.value).count("int8 in litert on") == 3


def test_modelled_profiles_are_not_called_measured(int8):
    modelled = replace(int8, kind="modelled")
    page = plan_as_markdown(make_plan(advise(Workload(1.0), [modelled])))
    assert "measured" not in page.replace("was measured on a core", "").replace(
        "was measured beside", ""
    )


def test_where_the_uncompressed_form_is_the_cheapest_compression_saves_nothing(int8, float32):
    large = replace(float32, runtime="litert", service_ms=0.004, memory_bytes=190e6)
    small = replace(int8, accuracy_share=0.9)
    page = plan_as_markdown(make_plan(advise(Workload(100.0), [large, small], accuracy_share=0.97)))
    assert "Nothing: no other form that holds the objectives costs less than float32." in page


def test_what_is_asked_of_the_machines_is_part_of_the_decision(int8):
    like = Deployment(int8, regions=3, autoscaling=True, spot_share=0.5)
    plan = make_plan(advise(Workload(3000.0, daily_shape=OFFICE_DAY), [int8], like=like))
    asked = (
        f"in 3 regions, following the hours ({plan.cost.replicas_mean:.1f} on average), "
        "50% of their hours from the spot market."
    )
    assert asked in plan_as_markdown(plan)
    assert "spot market" not in plan_as_markdown(make_plan(advise(Workload(1.0), [int8])))


def saved_by(plan):
    (section,) = [each for each in sections_of(plan) if each.title == "What compression saves"]
    return section.text[0]


def test_what_is_saved_is_the_difference_of_the_two_amounts_on_the_page(int8, float32):
    large = replace(int8, variant="float32", service_ms=0.5)
    for rate in (10.0, 700.0, 5000.0):
        plan = make_plan(advise(Workload(rate), [large, int8], accuracy_share=0.97))
        there = estimate(plan.advice.workload, plan.advice.deployment(plan.reference))
        saved = there.total_usd_per_month - plan.cost.total_usd_per_month
        said = saved_by(plan)
        assert f"costs {there.total_usd_per_month:,.2f} USD a month" in said
        assert ("costs the same" if saved == 0 else f"saves {saved:,.2f} USD") in said


def test_a_plan_that_costs_more_than_the_form_it_is_compared_with_says_so(int8, float32):
    rough = replace(int8, variant="int2", accuracy_share=0.4, model_bytes=30_000)
    slow = replace(int8, service_ms=5.0)
    advice = advise(Workload(2000.0), [rough, slow], accuracy_share=0.97)
    said = saved_by(make_plan(advice, reference="int2"))
    assert re.search(r"this plan costs [\d,]+\.\d\d USD a month more", said)
    assert "3.5 times larger" in said  # 105,920 / 30,000
    assert "+57.73 percentage points" in said
    alike = replace(int8, variant="other", accuracy_share=0.97731)
    said = saved_by(make_plan(advise(Workload(1.0), [int8, alike]), reference="int8"))
    assert "-0.00" not in said


def test_a_form_to_compare_with_that_is_not_there_is_not_called_the_only_one(int8):
    other = replace(int8, variant="int4", service_ms=0.1)
    assert saved_by(make_plan(advise(Workload(1.0), [int8, other]))).startswith("Not known")


def test_small_shares_are_not_nothing(plan):
    (section,) = [each for each in sections_of(plan) if each.title == "Costs"]
    shares = {row[0]: row[2] for row in section.rows}
    assert shares["storage"] == "under 1%"
    assert shares["total"] == "100%"


def test_what_cannot_serve_is_not_written_as_infinite(int8):
    # A core of the machine has 0.75 to 1.15 times the speed, and 1.5 ms of work may be a server's.
    slow = replace(int8, service_ms=4.0, service_scv=0.01)
    work = Workload(10.0, latency_objective_ms=6.5)
    plan = make_plan(advise(work, [slow], machines=["c7g.large"]))
    assert plan.spread.unable_share > 0.05
    for page in (plan_as_markdown(plan), plan_as_html(plan)):
        assert not re.search(r"\binf\b", page)
        assert "cannot serve" in page
