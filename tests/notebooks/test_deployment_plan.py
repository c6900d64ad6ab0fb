"""The plan that lesson 12 writes: its figures are the model's, and the command writes the same."""

import re
import shlex
from decimal import Decimal

import pytest

from deployworkbook.cli import main
from deployworkbook.costs.advice.advise import SERVED_RUNTIMES, advise
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.from_ledger import measured_in, profile_named
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.ledger.book import Ledger
from deployworkbook.workspace.folder import Workspace

NAME = "12_deployment_plan"
MEMORY_BYTES = 1000e6


@pytest.fixture(params=[each for each in catalogue() if each.name == NAME], ids=[NAME])
def run(request, run_fast):
    """What the lesson printed, its workspace, and what its ledger measured."""
    lesson = request.param
    notebook, folder = run_fast(lesson)
    workspace = Workspace(folder / "home")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    shown = [output.data["text/markdown"] for output in outputs if _is_markdown(output)]
    return text, shown, workspace, measured_in(Ledger(workspace.ledger_path).entries())


def _is_markdown(output):
    return "text/markdown" in output.get("data", {})


def page_of(workspace):
    return (workspace.root / "deployment_plan.md").read_text()


def rows_of(page, title):
    """The cells of a section's table, without its head."""
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def usd(text):
    return Decimal(text.replace(",", ""))


def bills(profiles, work):
    """Each machine's month for each profile, one estimate at a time."""
    for profile in profiles:
        for machine in load_catalog().cloud():
            try:
                yield profile, estimate(work, Deployment(profile, machine=machine.name))
            except ValueError:
                continue


def test_the_lesson_shows_what_it_writes(run):
    _, shown, workspace, _ = run
    assert shown == [page_of(workspace)]


def test_each_figure_of_the_costs_is_the_model_s(run):
    _, _, workspace, measured = run
    page = page_of(workspace)
    said = re.search(r"Serve (\S+) with (\S+) on (\d+) machines of the kind (\S+)\.", page)
    variant, runtime, count, machine = said.groups()
    profile = profile_named(measured, variant, runtime)
    work = Workload(
        2000.0, daily_shape=OFFICE_DAY, latency_objective_ms=50.0, growth_share_per_month=0.03
    )
    bill = estimate(work, Deployment(profile, machine=machine))
    later = estimate(work, Deployment(profile, machine=machine), month=12)
    assert int(count) == bill.replicas_at_peak
    costs = {row[0]: usd(row[1]) for row in rows_of(page, "Costs")}
    assert costs == {**bill.by_kind_usd, "total": bill.total_usd_per_month}
    assert f"{bill.total_usd_per_month:,.2f} USD per month of 730 hours" in page
    assert f"growth per month: {later.total_usd_per_month:,.2f} USD per month" in page
    figures = {row[0]: row[2:] for row in rows_of(page, "Objectives")}
    low, high = profile.accuracy_interval
    said = f"{profile.accuracy_share:.2%} (95 %: {low:.2%} to {high:.2%})"
    assert figures["accuracy"] == [said, "measured"]
    assert figures["memory per process"][0] == f"{profile.memory_bytes / 1e6:,.0f} MB"
    assert figures["p99 latency"][1] == "modelled"


def test_the_choice_is_the_cheapest_of_all_and_compression_saves_the_difference(run):
    _, _, workspace, measured = run
    page = page_of(workspace)
    work = Workload(2000.0, daily_shape=OFFICE_DAY, latency_objective_ms=50.0)
    float32 = [each for each in measured.profiles if each.variant == "float32"]
    accuracy = round(max(each.accuracy_share for each in float32) - 0.005, 4)
    holding = [
        each
        for each in measured.profiles
        if each.accuracy_share >= accuracy
        and each.memory_bytes <= MEMORY_BYTES
        and each.runtime in SERVED_RUNTIMES
    ]
    least = min(bill.total_usd_per_month for _, bill in bills(holding, work))
    total = usd(rows_of(page, "Costs")[-1][1])
    # An estimate rounds each line to the cent, the search compares what is not rounded.
    assert abs(total - least) <= Decimal("0.10")
    lines = page.partition("## What compression saves")[2].partition("\n## ")[0]
    saved = re.search(r"saves ([\d,.]+) USD per month", lines)
    allowed = [
        each
        for each in float32
        if each.memory_bytes <= MEMORY_BYTES and each.runtime in SERVED_RUNTIMES
    ]
    plain = min(bill.total_usd_per_month for _, bill in bills(allowed, work))
    if saved is None:
        assert "Nothing: " in lines or "this plan costs the same" in lines
    claimed = usd(saved[1]) if saved else Decimal(0)
    assert abs(claimed - (plain - least)) <= Decimal("0.20")


def test_the_command_that_the_lesson_prints_writes_the_same_pages(run, tmp_path, monkeypatch):
    text, _, workspace, _ = run
    # A backslash at the end of a line: the shell goes on reading.
    whole = text.replace("\\\n", "").splitlines()
    (line,) = [line for line in whole if line.startswith("deployworkbook plan ")]
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(workspace.root))
    with pytest.raises(SystemExit) as ended:
        main([*shlex.split(line)[1:], "--out", str(tmp_path)])
    assert not ended.value.code
    for name in ("deployment_plan.md", "deployment_plan.html"):
        assert (tmp_path / name).read_bytes() == (workspace.root / name).read_bytes()


def test_what_the_lesson_says_of_its_advice_is_the_advice(run):
    text, _, _, measured = run
    float32 = [each.accuracy_share for each in measured.profiles if each.variant == "float32"]
    work = Workload(2000.0, daily_shape=OFFICE_DAY, latency_objective_ms=50.0)
    accuracy = round(max(float32) - 0.005, 4)
    advice = advise(
        work,
        measured.profiles,
        accuracy_share=accuracy,
        memory_bytes=MEMORY_BYTES,
        servable=SERVED_RUNTIMES,
    )
    count, holding = advice.costs_usd_per_month.size, advice.feasible.sum()
    assert f"{count:,} combinations, {holding:,} hold all objectives" in text
    best = advice.best
    assert f"{best.profile.name} on {best.replicas:.0f} × {best.machine.name}: " in text
