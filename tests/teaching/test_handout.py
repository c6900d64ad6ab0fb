"""A lesson's handout: what is on it, and that it fits on one page."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from typer import Context
from typer.main import get_command

from deployworkbook.cli import app
from deployworkbook.commands.teach_handout import purposes_of
from deployworkbook.jupyter.lessons import catalogue, find_lesson
from deployworkbook.jupyter.sections import LINK, sections_of, source_of
from deployworkbook.teaching.handout import HandoutPicture, cut, make_handout
from deployworkbook.teaching.handout_page import handout_as_html, write_handout
from deployworkbook.teaching.printing import find_browser, pages_of, print_pdf
from deployworkbook.teaching.symbols import all_readings, plain_title

# One pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(params=catalogue(), ids=lambda lesson: lesson.name)
def lesson(request):
    return request.param


def executed(lesson, path, change=lambda source: source):
    """Write a lesson as if its cells had run, each with a picture."""
    notebook = json.loads(lesson.path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = change("".join(cell["source"]))
            data = {"image/png": PNG, "text/html": '<img alt="Bits &amp; bytes">'}
            cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    path.write_text(json.dumps(notebook))
    return path


def test_it_has_what_the_lesson_ends_with_its_terms_and_its_commands(lesson):
    made = make_handout(lesson)
    assert made.learnt.count("\n- ") == 2
    assert made.formulas
    assert f"deployworkbook reset {lesson.number}" in made.commands
    page = unescape(handout_as_html(made))
    for term in made.terms:
        assert term.name in page


def test_its_formulas_are_drawn_without_scripts_or_requests(lesson):
    made = make_handout(lesson)
    page = handout_as_html(made)
    assert page.count('display="block"') == len(made.formulas)
    assert "$$" not in page
    assert not re.search(r'<script|<link rel="style|src="http|href="http', page)


def test_a_row_of_formulas_is_cut_but_not_within_a_group():
    assert cut(r"a = b, \qquad c = d") == ["a = b", "c = d"]
    nested = r"\begin{cases} a & \qquad b \end{cases}"
    assert cut(nested) == [nested]
    assert cut(r"\left(a \qquad b\right)") == [r"\left(a \qquad b\right)"]


def test_worked_examples_stay_in_the_lesson():
    latex = [each.latex for each in make_handout(find_lesson("05")).formulas]
    assert not [each for each in latex if "0.3125" in each]
    assert [each for each in latex if each.startswith("q = ")]


# Words that a sentence begins with if it goes on from something else.
TORN = re.compile(
    r"(Each is|They|It|Its|That|These|So|But|Otherwise|Then|Only|Here|As long|We|The difference)\b"
)


def test_no_sentence_before_a_formula_refers_to_something_that_is_not_there(lesson):
    assert not [each.lead for each in make_handout(lesson).formulas if TORN.match(each.lead)]


def test_a_section_says_what_its_symbols_mean(lesson):
    formulas = make_handout(lesson).formulas
    said = {each.section: each.symbols for each in formulas}
    for each in formulas:
        said[each.section] += each.lead
    for each in formulas:
        unknown = letters_of(each.latex) - letters_of(said[each.section])
        assert not unknown, f"{each.section}: {unknown} of {each.latex}"


def test_what_a_handout_says_instead_belongs_to_a_formula_of_the_lesson(lesson):
    sections = sections_of(lesson)
    titles = {plain_title(section) for section in sections}
    cells = [source_of(cell) for section in sections for cell in section.cells]
    text = LINK.sub(r"\1", "\n".join(cells))
    for (number, title), reading in all_readings().items():
        if number == lesson.number:
            assert title in titles
            for beginning in [*reading.steps, *(before for before, _ in reading.instead)]:
                assert beginning in text


def letters_of(latex):
    """Letters that stand for a quantity: without words and indices, and without what sums bind."""
    text = re.sub(r"\\(text|mathrm|mathsf|mathcal)\{([^}]*)\}", r" ", latex)
    text = re.sub(r"_\\text\{[^}]*\}|_(\{[^}]*\}|\\?[A-Za-z0-9]+)", " ", text)
    words = set(re.findall(r"\\([a-zA-Z]+)", text)) & GREEK
    return words | set(re.findall(r"(?<![a-zA-Z\\])[a-zA-Z](?![a-zA-Z])", text)) - {"e", "k", "i"}


GREEK = {"alpha", "beta", "delta", "Delta", "eta", "lambda", "mu", "pi", "rho", "sigma", "theta"}
GREEK |= {"varphi", "varepsilon", "epsilon", "Lambda"}


def test_commands_say_what_they_do():
    context = Context(get_command(app), info_name="deployworkbook")
    purposes = purposes_of(["deployworkbook prices list", "deployworkbook nothing"], context)
    assert list(purposes) == ["deployworkbook prices list"]
    assert purposes["deployworkbook prices list"].startswith("Print all prices")
    made = replace(make_handout(find_lesson("14")), purposes=purposes)
    assert "</code>: Print all prices" in handout_as_html(made)


def test_a_picture_says_as_much_as_fits_below_it():
    long = "x" * 200
    assert HandoutPicture("", "One. Two.").caption == "One. Two."
    assert HandoutPicture("", f"One. {long}.").caption == "One."
    assert HandoutPicture("", f"By size: {long}.").caption == "By size."
    assert HandoutPicture("", long).caption == ""


def test_pictures_come_from_a_run_of_the_marked_cells(lesson, tmp_path):
    run = executed(lesson, tmp_path / lesson.path.name)
    pictures = make_handout(lesson, run).pictures
    assert 1 <= len(pictures) <= 2
    assert {picture.alt for picture in pictures} == {"Bits & bytes"}


def test_a_picture_of_another_version_of_the_cell_is_left_out(tmp_path):
    lesson = find_lesson("02")
    run = executed(lesson, tmp_path / "run.ipynb", lambda source: f"{source}\n# changed")
    assert make_handout(lesson, run).pictures == ()


@pytest.mark.browser
@pytest.mark.parametrize("number", ["04", "10"])
def test_it_is_printed_on_one_page(number, tmp_path, missing, monkeypatch):
    browser = find_browser() or missing("Chromium or Google Chrome")
    # One size is tried, as each takes the browser a second.
    monkeypatch.setattr("deployworkbook.teaching.handout_page.SIZES_PT", (8.0,))
    lesson = find_lesson(number)
    run = executed(lesson, tmp_path / "run.ipynb")
    pdf = write_handout(make_handout(lesson, run), tmp_path / "page.html", browser=browser)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pages_of(pdf.read_bytes()) == 1


def test_without_a_browser_there_is_a_page_to_print(tmp_path):
    page = tmp_path / "page.html"
    assert write_handout(make_handout(find_lesson("02")), page, browser=None) is None
    assert "@page { size: A4" in page.read_text()


def test_a_handout_that_never_fits_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("deployworkbook.teaching.handout_page.print_pdf", always_two_pages)
    made = replace(make_handout(find_lesson("02")), pictures=())
    with pytest.raises(RuntimeError, match="doesn't fit on one page"):
        write_handout(made, tmp_path / "page.html", browser="chromium")
    assert list(tmp_path.iterdir()) == []


def test_without_a_font_for_chinese_only_the_pdf_leaves_it_out(tmp_path, monkeypatch):
    printed = []

    def print_it(page, *, browser):
        printed.append(page.read_text())
        return b"/Type /Page "

    monkeypatch.setattr("deployworkbook.teaching.handout_page.print_pdf", print_it)
    page = tmp_path / "page.html"
    made = make_handout(find_lesson("02"))
    assert write_handout(made, page, browser="chromium", chinese=False)
    assert 'lang="zh"' not in printed[-1]
    assert 'lang="zh"' in page.read_text()


def always_two_pages(page, *, browser):
    return b"/Type /Page /Type /Page "


def test_a_browser_that_prints_nothing_is_quoted(tmp_path):
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho no display >&2\n")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"couldn't print .*: no display"):
        print_pdf(tmp_path / "page.html", browser=str(program))
