"""The plan: its decision, and its page in Markdown and HTML."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from bs4 import BeautifulSoup

from deployworkbook.costs.advice.advise import SERVED_RUNTIMES, advise
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.plan.making import make_plan
from deployworkbook.costs.plan.sections import sections_of
from deployworkbook.costs.plan.text import plan_as_html, plan_as_markdown
from deployworkbook.costs.plan.words import PHRASES

TODAY = date(2026, 11, 29)


@pytest.fixture
def plan(int8, float32):
    workload = Workload(2000.0, daily_shape=OFFICE_DAY, growth_share_per_month=0.05)
    advice = advise(workload, [float32, int8], accuracy_share=0.97, memory_bytes=1e9)
    return make_plan(advice, measured_on="a machine <here> | there", today=TODAY)


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
    assert f"{plan.cost.total_usd_per_month:,.2f} USD per month" in page
    saved = plan.reference_usd_per_month - plan.cost.total_usd_per_month
    assert saved > 0
    assert f"this plan saves {saved:,.2f} USD per month" in page
    assert "4.1 times smaller" in page  # zipped: 379,481 / 92,879
    assert "2026-01-19" in page
    assert "modelled" in page
    assert "measured" in page
    assert f"All {2 * len(plan.advice.machines)} combinations" in page
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
    assert "After 12 months with 5% growth per month" in plan_as_markdown(plan)
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
    plan = make_plan(advise(Workload(1.0), [modelled]))
    (section,) = [each for each in sections_of(plan) if each.title == "Objectives"]
    assert {row[-1] for row in section.rows} == {"modelled"}
    assert "the prediction's time is modelled" in plan_as_markdown(plan)


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
    large = replace(
        int8, variant="float32", service_ms=0.5, download_bytes=379_481, model_bytes=409_068
    )
    for rate in (10.0, 700.0, 5000.0):
        plan = make_plan(advise(Workload(rate), [large, int8], accuracy_share=0.97))
        there = estimate(plan.advice.workload, plan.advice.deployment(plan.reference))
        saved = there.total_usd_per_month - plan.cost.total_usd_per_month
        said = saved_by(plan)
        assert f"costs {there.total_usd_per_month:,.2f} USD per month" in said
        assert ("costs the same" if saved == 0 else f"saves {saved:,.2f} USD") in said


def test_a_plan_that_costs_more_than_the_reference_says_so(int8, float32):
    rough = replace(float32, runtime="litert", service_ms=0.01, accuracy_share=0.4)
    slow = replace(int8, service_ms=5.0)
    advice = advise(Workload(2000.0), [rough, slow], accuracy_share=0.97)
    said = saved_by(make_plan(advice))
    assert re.search(r"this plan costs [\d,]+\.\d\d USD per month more", said)
    assert "4.1 times smaller" in said
    assert "+57.73 percentage points" in said
    alike = replace(int8, variant="other", accuracy_share=0.97729, download_bytes=9e4)
    alike = replace(alike, model_bytes=1e5)
    said = saved_by(make_plan(advise(Workload(1.0), [int8, alike]), reference="int8"))
    assert "costs the same" in said
    assert "-0.00" not in said


def test_a_form_that_is_no_smaller_is_not_called_a_compression(int8, float32):
    teacher = replace(int8, variant="teacher", download_bytes=900_000.0)
    plain = replace(float32, service_ms=5.0)
    said = saved_by(make_plan(advise(Workload(2000.0), [teacher, plain], accuracy_share=0.97)))
    assert said.startswith("Nothing: teacher is not a compression")


def test_a_missing_reference_is_called_unknown(int8):
    other = replace(int8, variant="int4", service_ms=0.1)
    assert saved_by(make_plan(advise(Workload(1.0), [int8, other]))).startswith("Not known")


def test_small_shares_are_not_shown_as_0(int8):
    work = Workload(100.0)
    plan = make_plan(
        advise(work, [int8], like=Deployment(int8, log_lines_per_request=0.0, root_disk_gib=0.0))
    )
    (section,) = [each for each in sections_of(plan) if each.title == "Costs"]
    shares = {row[0]: row[2] for row in section.rows}
    assert shares["storage"] == "under 1%"
    assert shares["total"] == "100%"


def test_infinite_costs_are_written_as_cannot_serve(int8):
    # A core has 0.75 to 1.15 times the reference speed, and the server may add 1.5 ms.
    slow = replace(int8, service_ms=4.0, service_scv=0.01)
    work = Workload(10.0, latency_objective_ms=7.0)
    plan = make_plan(advise(work, [slow], machines=["c7g.large"]))
    assert plan.spread.unable_share > 0.05
    for page in (plan_as_markdown(plan), plan_as_html(plan)):
        assert not re.search(r"\binf\b", page)
        assert "cannot serve" in page


def section_of(plan, title):
    return {each.title: each for each in sections_of(plan)}[title]


def test_the_decision_has_a_date_a_median_and_a_range(plan):
    said = " ".join(section_of(plan, "Decision").text)
    low, high = plan.spread.interval_usd()
    for fact in ("2026-11-29", plan.spread.median_usd, low, high):
        assert (fact if isinstance(fact, str) else f"{fact:,.0f}") in said


def test_reasons_add_up_to_all_other_combinations(int8, float32):
    large = replace(int8, variant="large", memory_bytes=3e9, accuracy_share=0.9)
    rough = replace(int8, variant="rough", accuracy_share=0.9)
    slow = replace(int8, variant="slow", service_ms=500.0)
    profiles = [int8, large, rough, slow, replace(float32, service_ms=1.0)]
    advice = advise(Workload(100.0), profiles, accuracy_share=0.95, servable=["litert"])
    text = section_of(make_plan(advice), "What was compared").text[0]
    total, *counts = (int(found) for found in re.findall(r"\b(\d+) \w", text))
    assert total == 5 * len(advice.machines)
    assert sum(counts) == total - 1
    assert f"{len(advice.machines)} have no server" in text


def test_ties_are_stated_and_the_smallest_is_taken(int8):
    twin = replace(int8, variant="twin", model_bytes=2e5, accuracy_share=0.99)
    plan = make_plan(advise(Workload(1.0), [twin, int8], machines=["c7g.medium"]))
    assert plan.choice.profile == int8
    (said,) = [each for each in section_of(plan, "Decision").text if "A tie" in each]
    assert "twin in litert on c7g.medium" in said


def test_the_frontier_says_what_more_accuracy_costs(int8):
    exact = replace(int8, variant="exact", service_ms=8.0, accuracy_share=0.993)
    plan = make_plan(advise(Workload(2000.0), [int8, exact], accuracy_share=0.97))
    ((name, _, accuracy, more),) = section_of(plan, "Other accuracies").rows
    (other,) = [each for each in plan.advice.on_frontier() if each.profile == exact]
    assert (name, accuracy) == ("exact in litert", "99.30%")
    assert more == f"{other.cost_usd_per_month - plan.choice.cost_usd_per_month:+,.2f}"


def test_only_forms_with_a_server_are_recommended_and_the_commands_serve_them(int8):
    saved = replace(int8, variant="int8-saved", runtime="savedmodel", service_ms=0.5)
    bare = replace(int8, runtime="numpy")
    plan = make_plan(advise(Workload(2000.0), [bare, saved], servable=SERVED_RUNTIMES))
    assert plan.choice.profile == saved
    assert "no server takes it yet: int8 in numpy" in " ".join(section_of(plan, "Decision").text)
    publish, serve, deploy = section_of(plan, "Next step").commands
    assert publish == "deployworkbook publish int8-saved"
    assert "--model_name=int8-saved" in serve
    assert deploy.startswith("deployworkbook deploy-files deploy --model int8-saved --cpus ")
    alone = make_plan(advise(Workload(2000.0), [bare]))
    assert not section_of(alone, "Next step").commands
    assert "no server for numpy" in section_of(alone, "Next step").text[0]


@pytest.mark.parametrize(("runtime", "flag"), [("litert", True), ("onnx", False)])
def test_the_commands_serve_a_litert_or_onnx_file_as_it_is(int8, runtime, flag):
    form = replace(int8, runtime=runtime)
    plan = make_plan(advise(Workload(2000.0), [form], servable=SERVED_RUNTIMES))
    publish, serve, deploy = section_of(plan, "Next step").commands
    assert publish == f"deployworkbook publish int8 --runtime {runtime}"
    assert f"--model_name=int8-{runtime} " in serve
    assert ("--prefer_tflite_model" in serve) == flag
    assert f"--model int8-{runtime} " in deploy


def test_the_plan_says_which_inputs_of_its_p99_were_measured(int8):
    times = tuple(np.random.default_rng(0).gamma(8.0, 0.1, 500).tolist())
    served = replace(
        int8, service_ms=float(np.mean(times)), served=True, server="serving-embedded",
        service_load_per_s=450.0, service_times_ms=times,
    )  # fmt: skip
    first = section_of(make_plan(advise(Workload(100.0), [served])), "What was not measured")
    assert "service times are measured, at serving-embedded under 450 requests/s" in first.items[0]
    assumed = section_of(make_plan(advise(Workload(100.0), [int8])), "What was not measured")
    assert "0.5 ms (0.1 to 1.5 ms)" in assumed.items[0]
    in_runs = replace(served, service_times_ms=tuple(sorted(times)))
    plan = make_plan(advise(Workload(100.0), [in_runs]))
    assert section_of(plan, "Objectives").rows[0][2].startswith("at least ")
    assert "lower bound" in section_of(plan, "Risks").items[0]
    # Runs of slow requests don't hide that some draws cannot serve at all.
    costs = np.where(np.arange(100) < 30, np.inf, 50.0)
    risky = replace(plan, spread=replace(plan.spread, costs_usd=costs))
    bound, unable, *_ = section_of(risky, "Risks").items
    assert "lower bound" in bound
    assert "30% of the draws" in unable


def test_the_other_queue_is_a_risk_that_is_stated(int8):
    slow = replace(int8, service_ms=20.0)
    work = Workload(100.0, latency_objective_ms=150.0)
    shared = make_plan(advise(work, [slow], machines=["c7g.medium"]))
    assert shared.other_queue.response_s > shared.capacity.response_s
    assert "a balancer picks a machine at random" in " ".join(section_of(shared, "Risks").items)
    like = Deployment(slow, queue="per replica")
    apart = make_plan(advise(work, [slow], machines=["c7g.medium"], like=like))
    assert apart.capacity.response_s <= 0.15
    assert apart.cost.replicas_at_peak >= shared.cost.replicas_at_peak


def test_assumptions_are_in_words(plan):
    names = plan.advice.catalog.assumptions
    page = plan_as_markdown(plan)
    assert set(names) <= set(PHRASES)
    assert not [name for name in names if re.search(rf"\b{name}\b", page)]
    assert "how busy a machine may be: 60 % (40 to 80 %)" in page


def test_functions_are_advised_and_planned_on_any_number_of_machines():
    form = Profile("float32", "savedmodel", 1.0, 1.0, 0.97, 4e5, 4e5, 200e6)
    like = Deployment(form, serving="serverless")
    advice = advise(Workload(10.0), [form], machines=["c7i.large", "c7g.large"], like=like)
    assert len(advice.choices()) == 2
    made = make_plan(advice)
    assert made.capacity is None
    assert "met without a queue" in plan_as_markdown(made)
