"""The commands ``cost``, ``plan`` and ``prices``, from arguments to exit codes."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.machine import this_machine
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.runtimes import benchmarking
from deployworkbook.workspace.folder import current_workspace

NAMED = ("--rps", "100", "--variant", "int8")


def call(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return ended.value.code or 0


@pytest.fixture
def measured(home):
    """A ledger with two variants of the model."""
    for variant, runtime, milliseconds, size in (
        ("float32", "keras", 30.0, 409_068),
        ("int8", "litert", 0.01, 105_920),
    ):
        Ledger().add(
            Measurement(
                variant,
                runtime,
                "1",
                "mnist",
                "print",
                size_bytes=size,
                compressed_bytes=size - 10_000,
                correct=977,
                examples=1000,
                latency_p50_ms=milliseconds,
                latency_p99_ms=2 * milliseconds,
                peak_memory_bytes=200_000_000,
            )
        )


def test_commands_are_listed_and_have_help(capsys):
    assert call("--help") == 0
    shown = capsys.readouterr().out
    for command in ("cost", "plan", "prices"):
        assert f" {command} " in shown
        assert call(command, "--help") == 0
        assert "Usage: deployworkbook" in capsys.readouterr().out


def test_cost_prints_the_four_kinds_with_assumptions_and_sources(measured, capsys):
    assert call("cost", *NAMED) == 0
    said = capsys.readouterr().out
    for word in ("compute", "storage", "network", "maintenance", "total", "million predictions"):
        assert word in said
    assert "int8 in litert (measured) on 2 × c7g.large" in said
    assert "14.6 kWh and 5.695 kg of CO2" in said  # 2 × 2 vCPUs × 5 W × 730 h, × 390.1 g
    assert f"Measured on {this_machine()}; data set mnist." in said
    assert "Assumed: hours_per_update" in said
    assert "Source: Amazon EC2" in said


def test_cost_as_json_adds_up_to_the_total(measured, capsys):
    assert call("cost", *NAMED, "--machine", "c8g.large", "--regions", 2, "--json") == 0
    read = json.loads(capsys.readouterr().out)
    assert (read["machine"], read["variant"], read["replicas_at_peak"]) == ("c8g.large", "int8", 4)
    parts = sum(part["cost_usd"] for part in read["parts"])
    assert parts == pytest.approx(read["total_usd_per_month"])


def test_cost_needs_no_ledger_with_service_ms(capsys):
    assert call("cost", "--rps", 1, "--service-ms", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)["profile"] == "modelled"


def test_options_reach_the_estimate(measured, capsys, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[machines]\n"c7g.large" = { price_usd_per_hour = 1 }\n')
    totals = {}
    for name, more in {
        "plain": (),
        "spot": ("--spot-share", 1),
        "own prices": ("--prices", own),
        "wage": ("--set", "wage_ratio=2"),
        "replicas": ("--replicas", 9),
        "growth": ("--growth", 0.5, "--month", 12),
        "updates": ("--updates", 9),
        "edge": ("--machine", "raspberry-pi-5-4gb", "--devices", 40),
        "keras": ("--variant", "float32"),
        "disk": ("--storage", "hdd"),
        "managed": ("--serving", "managed"),
        "serverless": ("--serving", "serverless"),
        "balancer": ("--balancer", "none"),
        "committed": ("--committed-share", 0.5),
    }.items():
        assert call("cost", *NAMED, *more, "--json") == 0
        totals[name] = json.loads(capsys.readouterr().out)["total_usd_per_month"]
    assert len(set(totals.values())) == len(totals)
    assert totals["spot"] < totals["plain"] < totals["own prices"]


def test_cost_warns_of_too_few_replicas(measured, capsys):
    given = ("--rps", 300, "--variant", "float32", "--replicas", 1)
    assert call("cost", *given) == 0
    assert "Too few machines" in capsys.readouterr().out


def test_plan_backs_up_an_edited_page_before_replacing_it(measured, home, tmp_path, capsys):
    given = ("plan", "--all-runtimes", "--rps", 50, "--accuracy", 0.95, "--out", tmp_path)
    assert call(*given) == 0
    said = capsys.readouterr().out
    assert "int8 in litert on 2 ×" in said
    page = (tmp_path / "deployment_plan.html").read_text()
    text = (tmp_path / "deployment_plan.md").read_text()
    assert "data set mnist" in page
    assert "What compression saves" in text
    (tmp_path / "deployment_plan.md").write_text("edited")
    assert call(*given) == 0
    printed = " ".join(capsys.readouterr().out.split())
    (backup,) = (home / "deployworkbook" / "backups").glob("deployment_plan*")
    assert str(backup) in printed
    assert backup.read_text() == "edited"
    assert (tmp_path / "deployment_plan.md").read_text() == text


def test_plan_refuses_an_unmeasured_reference(measured, tmp_path, capsys):
    assert call("plan", "--rps", 50, "--reference", "float3", "--out", tmp_path) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "--reference: expected one of 'float32', 'int8'" in said
    assert list(tmp_path.iterdir()) == []


def test_prices_list_shows_each_price_with_date_or_reason(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert call("prices", "list") == 0
    said = capsys.readouterr().out
    catalog = load_catalog()
    facts = ("machines", "storage", "archives", "balancers", "transfer", "figures")
    facts += ("accelerators", "accelerator_machines", "language_models", "token_prices")
    sections = (*facts, "processors", "assumptions")
    for section in sections:
        for name, each in getattr(catalog, section).items():
            # Accelerators are processors, too, under the same name.
            lines = [line for line in said.splitlines() if line.split()[:1] == [name]]
            assert len(lines) == 1 + (name in catalog.processors and name in catalog.accelerators)
            known = each.reason if section in sections[-2:] else f"{each.source.date}"
            assert any(known in line for line in lines)
    assert "0 to 100 GiB, 0.09 to 10,240 GiB" in said
    assert "https://aws.amazon.com/ec2/pricing/on-demand/" in said
    assert "c7g.large" in said
    assert "2026-01-19" in said
    assert "raspberry-pi-5-4gb" in said


def test_prices_check_reports_changed_fields(tmp_path, capsys):
    own = tmp_path / "own.toml"
    own.write_text("[assumptions]\nhours_per_update = { value = 3 }\n")
    assert call("prices", "check", own) == 0
    assert "changes 1 field" in capsys.readouterr().out
    own.write_text("")
    assert call("prices", "check", own) == 0
    assert "changes nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cost", "--rps", 1), "--variant"),
        (("cost", "--rps", -1, "--service-ms", 1), "requests_per_s"),
        (("cost", "--rps", "nan", "--service-ms", 1), "requests_per_s"),
        (
            ("cost", "--rps", 1, "--service-ms", 1, "--machine", "c7g.larg"),
            "Did you mean c7g.large",
        ),
        (("cost", "--rps", 1, "--service-ms", 1, "--set", "wage"), "NAME=VALUE"),
        (("cost", "--rps", 1, "--service-ms", 1, "--set", "wage_rati=2"), "wage_ratio"),
        (("cost", "--rps", 1, "--service-ms", 1, "--day", "night"), "--day"),
        (("cost", "--rps", 1, "--service-ms", 500), "latency_objective_ms"),
        (("cost", "--rps", 1, "--variant", "int8"), "Lesson 04"),
        (("cost", "--rps", 1, "--service-ms", 1, "--prices", "no.toml"), "no.toml: no such file"),
        (("plan", "--rps", 1), "Lesson 04"),
        (("cost", "--rps", 1, "--service-ms", 1, "--spot-share", 50), "Did you mean 0.5?"),
        (("prices", "check", "no.toml"), "no.toml: no such file"),
    ],
)
def test_a_wrong_call_exits_with_1_and_names_the_remedy(home, arguments, words, capsys):
    assert call(*arguments) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Error: ")
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rps", 50, "--accuracy", 97.2), "Did you mean 0.972?"),
        (("--rps", 0), "--rps"),
        (("--rps", 50, "--reference", "float3"), "Did you mean float32?"),
    ],
)
def test_plan_refuses_impossible_objectives(measured, arguments, words, tmp_path, capsys):
    assert call("plan", *arguments, "--out", tmp_path) == 1
    assert words in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_plan_reports_objectives_that_nothing_meets(measured, tmp_path, capsys):
    assert call("plan", "--all-runtimes", "--rps", 1, "--accuracy", 0.999, "--out", tmp_path) == 1
    assert "none of 68 combinations" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def row(p99_ms, **more):
    figures = {
        "size_bytes": 105_920, "compressed_bytes": 95_000, "correct": 977, "examples": 1000,
        "latency_p50_ms": 0.01, "latency_p99_ms": p99_ms, "peak_memory_bytes": 200_000_000,
    }  # fmt: skip
    return Measurement("int8", "litert", "1", "digits", "print", **figures | more)


def plan_of(tmp_path, capsys, *more):
    assert call("plan", "--all-runtimes", "--rps", 50, "--out", tmp_path, *more) == 0
    return capsys.readouterr().out, (tmp_path / "deployment_plan.md").read_text()


def test_plan_names_a_p99_measured_under_load(home, tmp_path, capsys):
    for p99_ms in (0.02, 0.021, 0.019, 0.2):
        Ledger().add(row(p99_ms))
    said, page = plan_of(tmp_path, capsys)
    doubt = (
        "int8 in litert: its newest row has a p99 of 0.2 ms, 10.0 times that of its 3 other rows"
    )
    assert doubt in said
    assert doubt in page
    assert "--remeasure" in said


@pytest.mark.parametrize(
    "rows",
    [
        [row(0.2)],
        [row(0.02), row(0.03)],
        [row(0.2), row(0.02)],
        [row(0.02, threads=2), row(0.2, threads=1)],
    ],
    ids=["a single row", "chance variation", "older row slow", "different threads"],
)
def test_plan_doesnt_doubt_consistent_rows(home, rows, tmp_path, capsys):
    for each in rows:
        Ledger().add(each)
    said, page = plan_of(tmp_path, capsys)
    assert "Doubtful" not in said + page


def test_remeasure_measures_a_doubtful_variant_again(home, tmp_path, capsys, monkeypatch):
    artifact = current_workspace().artifacts / "digits" / "int8.litert"
    for p99_ms in (0.02, 0.2):
        Ledger().add(row(p99_ms))
    said, _ = plan_of(tmp_path, capsys, "--remeasure")
    assert f"{artifact} is missing" in said
    artifact.mkdir(parents=True)
    monkeypatch.setattr(benchmarking, "benchmark", lambda *_, **__: row(0.022))
    said, page = plan_of(tmp_path, capsys, "--remeasure")
    assert "int8 in litert was remeasured: p99 0.022 ms" in said
    assert "Doubtful" not in said + page
    assert len(Ledger().entries()) == 3


def test_all_prices_as_json_carry_their_sources(capsys, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[machines]\n"c7g.large" = { price_usd_per_hour = 1 }\n')
    assert call("prices", "list", "--prices", own, "--json") == 0
    read = json.loads(capsys.readouterr().out)
    catalog = load_catalog(own)
    for section in ("machines", "storage", "transfer", "figures", "processors", "assumptions"):
        assert set(read[section]) == set(getattr(catalog, section))
    machine = read["machines"]["c7g.large"]
    assert machine["price_usd_per_hour"] == 1
    assert machine["processor"] in read["processors"]
    assert machine["source"]["basis"] == "own"
    assert read["machines"]["c8g.large"]["source"]["date"] == str(
        catalog.machine("c8g.large").source.date
    )
    ends = [tier["up_to_gib"] for tier in read["transfer"]["internet"]["tiers"]]
    assert ends[-1] is None
    assert ends[:-1] == sorted(ends[:-1])
    assert len(read["files"]) == 2
