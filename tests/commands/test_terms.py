"""The command ``terms``, from arguments to exit codes."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.jupyter.terms import load_terms


def call(capsys, *arguments, code=0):
    """Run the command in this process; return what it prints."""
    with pytest.raises(SystemExit) as ended:
        main(["terms", *arguments])
    assert (ended.value.code or 0) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


@pytest.mark.parametrize("language", ["both", "en", "zh"])
def test_a_term_is_explained_in_the_languages_asked_for(language, capsys):
    shown = call(capsys, "过拟合", "--language", language)
    assert ("overfitting" in shown) is (language != "zh")
    assert ("过拟合" in shown) is (language != "en")
    assert "04" in shown


def test_json_lists_the_terms_of_a_lesson(capsys):
    found = json.loads(call(capsys, "--lesson", "5", "--json"))
    assert {each["lesson"] for each in found} == {"05_quantization"}
    terms = [term for term in load_terms() if term.lesson.number == "05"]
    assert [each["name"] for each in found] == [term.name for term in terms]
    assert [each["chinese"] for each in found] == [term.chinese for term in terms]


def test_all_terms_are_listed(capsys):
    assert len(json.loads(call(capsys, "--json"))) == len(load_terms())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["overfiting"], "Did you mean overfitting?"),
        (["softmax", "--lesson", "01"], "one of 2"),
        (["--language", "de"], "one of 'both', 'en', 'zh'"),
        (["--lesson", "77"], "00_start_here"),
    ],
)
def test_wrong_usage_is_an_error_with_a_remedy(arguments, words, capsys):
    assert words in " ".join(call(capsys, *arguments, code=1).split())
