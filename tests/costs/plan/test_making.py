"""The plan: its decision, and its page in Markdown and HTML."""

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


def test_a_plan_describes_the_best_choice(plan):
    assert plan.choice == plan.advice.best
    assert (
        plan.cost.total_usd_per_month
        == estimate(plan.advice.workload, plan.deployment).total_usd_per_month
    )
    assert plan.capacity.replicas == plan.cost.replicas_at_peak
    assert plan.capacity.response_s <= 0.1
    assert plan.later.total_usd_per_month > plan.cost.total_usd_per_month


def test_markdown_contains_decision_cost_savings_and_basis(plan):
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


def test_every_markdown_table_has_equal_rows(plan):
    for block in plan_as_markdown(plan).split("\n\n"):
        if block.startswith("|"):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1


def test_the_four_kinds_sum_to_the_total(plan):
    (section,) = [each for each in sections_of(plan) if each.title == "Costs"]
    *kinds, total = section.rows
    amounts = [float(row[1].replace(",", "")) for row in kinds]
    assert sum(amounts) == pytest.approx(float(total[1].replace(",", "")))
    assert len(kinds) == 4


def test_the_html_page_is_self_contained(plan):
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


def test_both_pages_have_the_same_contents(plan):
    page = BeautifulSoup(plan_as_html(plan), "html.parser").text
    for section in sections_of(plan):
        for sentence in (*section.text, *section.items):
            assert sentence in page
            assert sentence in plan_as_markdown(plan)


def test_without_another_variant_no_savings_are_claimed(int8, float32):
    for alone in (int8, replace(float32, service_ms=1.0)):
        page = plan_as_markdown(make_plan(advise(Workload(1.0), [alone])))
        assert "No other variant of the model" in page


def test_growth_is_mentioned_if_there_is_any(plan, int8):
    assert "After 12 months with 5% growth a month" in plan_as_markdown(plan)
    still = make_plan(advise(Workload(1.0), [int8]))
    assert "assumed to stay constant" in plan_as_markdown(still)


def test_outgrowing_the_choice_is_mentioned(int8):
    workload = Workload(100.0, growth_share_per_month=1.0)
    slow = replace(int8, service_ms=5.0)
    plan = make_plan(advise(workload, [slow], devices=200, machines=["raspberry-pi-5-4gb"]))
    assert plan.later is None
    assert plan.capacity is None
    assert "outgrow" in plan_as_markdown(plan)


def test_if_no_choice_meets_the_objectives_the_nearest_are_listed(int8):
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
        "of the model was measured", ""
    )


def test_compression_saves_nothing_if_the_uncompressed_variant_is_cheapest(int8, float32):
    large = replace(float32, runtime="litert", service_ms=0.004, memory_bytes=190e6)
    small = replace(int8, accuracy_share=0.9)
    page = plan_as_markdown(make_plan(advise(Workload(100.0), [large, small], accuracy_share=0.97)))
    assert re.search(r"Nothing: .* costs less than float32\.", page)


def test_the_decision_includes_regions_scaling_and_spot(int8):
    like = Deployment(int8, regions=3, autoscaling=True, spot_share=0.5)
    plan = make_plan(advise(Workload(3000.0, daily_shape=OFFICE_DAY), [int8], like=like))
    page = plan_as_markdown(plan)
    for fact in ("in 3 regions", f"({plan.cost.replicas_mean:.1f} on average)", "50% of their"):
        assert fact in page
    assert "spot market" not in plan_as_markdown(make_plan(advise(Workload(1.0), [int8])))


def saved_by(plan):
    (section,) = [each for each in sections_of(plan) if each.title == "What compression saves"]
    return section.text[0]


def test_savings_equal_the_difference_of_both_amounts(int8, float32):
    large = replace(int8, variant="float32", service_ms=0.5)
    for rate in (10.0, 700.0, 5000.0):
        plan = make_plan(advise(Workload(rate), [large, int8], accuracy_share=0.97))
        there = estimate(plan.advice.workload, plan.advice.deployment(plan.reference))
        saved = there.total_usd_per_month - plan.cost.total_usd_per_month
        said = saved_by(plan)
        assert f"costs {there.total_usd_per_month:,.2f} USD a month" in said
        assert ("costs the same" if saved == 0 else f"saves {saved:,.2f} USD") in said


def test_a_plan_that_costs_more_than_the_reference_says_so(int8, float32):
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


def test_a_missing_reference_is_called_unknown(int8):
    other = replace(int8, variant="int4", service_ms=0.1)
    assert saved_by(make_plan(advise(Workload(1.0), [int8, other]))).startswith("Not known")


def test_small_shares_are_not_shown_as_0(plan):
    (section,) = [each for each in sections_of(plan) if each.title == "Costs"]
    shares = {row[0]: row[2] for row in section.rows}
    assert shares["storage"] == "under 1%"
    assert shares["total"] == "100%"


def test_infinite_costs_are_written_as_cannot_serve(int8):
    # A core has 0.75 to 1.15 times the reference speed, and the server may add 1.5 ms.
    slow = replace(int8, service_ms=4.0, service_scv=0.01)
    work = Workload(10.0, latency_objective_ms=6.5)
    plan = make_plan(advise(work, [slow], machines=["c7g.large"]))
    assert plan.spread.unable_share > 0.05
    for page in (plan_as_markdown(plan), plan_as_html(plan)):
        assert not re.search(r"\binf\b", page)
        assert "cannot serve" in page
