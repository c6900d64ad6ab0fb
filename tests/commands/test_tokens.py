"""The command ``tokens``, from arguments to exit codes."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.advise import advise_tokens
from deployworkbook.costs.tokens.bill import token_bill
from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer
from deployworkbook.costs.tokens.workload import TokenWorkload

SMALL = ("--model", "llama-3.1-8b")


def call(capsys, *arguments, code=0):
    """Run the command in this process; return what it prints."""
    with pytest.raises(SystemExit) as ended:
        main(["tokens", *map(str, arguments)])
    assert (ended.value.code or 0) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def test_one_gpu_is_printed_with_apis_and_sources(capsys):
    shown = call(capsys, *SMALL, "--gpu", "l4", "--bits", 8, "--batch", 16)
    for words in ("prompts", "answers", "groq-8b", "on 1 × l4 (g6.xlarge, on-demand)", "modelled"):
        assert words in shown
    assert "8.6 GB of weights" in shown
    assert "Source: Amazon EC2" in shown
    assert "published ones" in shown


def test_json_has_the_figures_of_the_library(capsys):
    found = json.loads(
        call(
            capsys,
            *SMALL,
            "--gpu",
            "h100",
            "--bits",
            4,
            "--batch",
            64,
            "--utilisation",
            1,
            "--json",
        )
    )
    catalog = load_catalog()
    server = TokenServer(
        catalog.language_model("llama-3.1-8b"),
        catalog.accelerator("h100"),
        precision=PRECISIONS[4],
        batch=64,
    )
    bill = token_bill(server, prompt_tokens=500, answer_tokens=200, utilisation_share=1.0)
    assert found["kind"] == "modelled"
    assert found["answer_usd_per_million"] == bill.answer_usd_per_million
    assert found["answer_joules_per_token"] == bill.answer_joules_per_token
    assert found["largest_batch"] == bill.largest_batch
    assert found["keeps_objectives"] is True
    assert [each["api"] for each in found["apis"]] == ["groq-8b", "replicate-8b"]
    # Infinity isn't JSON.
    assert found["apis"][0]["break_even_tokens_per_day"] is None


def test_without_a_gpu_it_advises(capsys):
    found = json.loads(call(capsys, *SMALL, "--rps", 20, "--json"))
    best = advise_tokens(TokenWorkload(20.0), ["llama-3.1-8b"]).best
    assert found["best"]["machine"] == best.machine.name
    assert found["best"]["cost_usd_per_month"] == best.cost_usd_per_month
    assert found["best"] == found["ranking"][0]
    assert len(found["ranking"]) == 10
    only = json.loads(call(capsys, *SMALL, "--bits", 16, "--terms", "one-year", "--json"))
    assert {each["bits"] for each in only["ranking"]} == {16}
    shown = call(capsys, *SMALL, "--rps", 20)
    assert "cheapest" in shown
    assert "replicate-8b" in shown
    none = call(capsys, *SMALL, "--first-token-ms", 0.1)
    assert "keeps both objectives" in none
    assert json.loads(call(capsys, *SMALL, "--first-token-ms", 0.1, "--json"))["best"] is None


def test_prices_of_ones_own_count(capsys, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[machines]\n"g6.xlarge" = { price_usd_per_hour = 0.4024 }\n')
    shipped, own = (
        json.loads(call(capsys, *SMALL, "--gpu", "l4", *more, "--json"))["answer_usd_per_million"]
        for more in ((), ("--prices", path))
    )
    assert own == pytest.approx(shipped / 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "llama-3.1-8"), "Did you mean llama-3.1-8b?"),
        ((*SMALL, "--gpu", "h10"), "Did you mean h100?"),
        ((*SMALL, "--bits", 5), "one of 16, 8, 4"),
        (("--model", "llama-3.1-70b", "--gpu", "h100"), "141 GB of weights"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(capsys, arguments, words):
    assert words in " ".join(call(capsys, *arguments, code=1).split())
