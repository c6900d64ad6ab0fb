"""The commands ``teach plan`` and ``teach handout``."""

import pytest

from deployworkbook.cli import main
from deployworkbook.teaching import handout_page, printing
from deployworkbook.teaching.waits import write_waits
from tests.teaching.waits import alike


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["teach", *arguments])
    return ended.value.code or 0


def test_a_plan_is_printed_or_written(tmp_path, capsys):
    assert run("plan", "60") == 0
    assert capsys.readouterr().out.startswith("# Run sheet: Deployment cost\n")
    page = tmp_path / "sheet.html"
    assert run("plan", "90", "--topics", "05", "--out", str(page)) == 0
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_plan_uses_the_waits_of_the_teacher_s_machine(tmp_path, capsys):
    path = tmp_path / "waits.json"
    write_waits(alike(31.0, 61.0), path)
    for given, wait in (([], "1"), (["--cold"], "1.5")):
        assert run("plan", "60", "--waits", str(path), *given) == 0
        said = capsys.readouterr().out
        assert "on a machine, 2 cores" in said
        assert f"| 2 | 6 | 1 | {wait} |" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["45"], "There are plans for 60, 90 or 180 minutes, or a day. Received: 45"),
        (["75"], "The longest that fits into it: 60."),
        (["60", "--topics", ""], "Leave the option out"),
        (["60", "--topics", "zzz"], "quantization (05)"),
        (["60", "--format", "md", "--out", "a.html"], "Leave --format out"),
        (["60", "--topics", "servin"], "Did you mean serving?"),
        (["60", "--format", "pdf"], "'md', 'html'"),
        (["60", "--start", "25:00"], "a time such as 09:00"),
        (["60", "--waits", "nothing.json"], "can't be read"),
    ],
)
def test_bad_options_are_refused_with_what_is_expected(arguments, said, capsys):
    assert run("plan", *arguments) == 1
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_handout_without_a_font_for_chinese_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(printing, "find_browser", lambda: "chromium")
    monkeypatch.setattr(printing, "has_chinese_font", lambda: False)
    seen = []
    monkeypatch.setattr(handout_page, "write_handout", lambda *_, **options: seen.append(options))
    assert run("handout", "02", "--out", str(tmp_path)) == 0
    assert "No font with Chinese letters" in capsys.readouterr().out
    assert seen == [{"browser": "chromium", "chinese": False}]


def test_a_handout_without_a_browser_says_how_to_print(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(printing, "find_browser", lambda: None)
    monkeypatch.chdir(tmp_path)
    assert run("handout", "02") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "open the pages in yours, and print them on A4" in said
    assert "deployworkbook run 02" in said
    assert (tmp_path / "handouts" / "02_loss_functions.html").exists()
