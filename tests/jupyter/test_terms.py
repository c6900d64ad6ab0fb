"""The page of terms: each term is introduced by a lesson that exists and names it."""

import nbformat
import pytest

from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.terms import TERMS_PAGE, install_terms, load_terms, terms_as_markdown
from deployworkbook.workspace.folder import Workspace

TERMS = load_terms()


def texts_of(lesson):
    cells = nbformat.read(lesson.path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_its_lesson_names_it(term):
    assert term.name.casefold() in texts_of(term.lesson).casefold()


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_its_meaning_is_one_short_line(term):
    assert "\n" not in term.meaning
    assert len(term.meaning) <= 140
    assert term.meaning.endswith(".")


def test_they_are_in_alphabetical_order():
    names = [term.name.casefold() for term in TERMS]
    assert names == sorted(names)


def test_the_page_has_a_row_per_term_and_links_to_lessons():
    rows = [line for line in terms_as_markdown().splitlines() if line.startswith("| **")]
    assert len(rows) == len(TERMS)
    for row, term in zip(rows, TERMS, strict=True):
        assert f"]({term.lesson.path.name})" in row


def test_it_is_written_beside_the_lessons_and_an_edited_copy_is_backed_up(tmp_path):
    workspace = Workspace(tmp_path)
    install_terms(workspace)
    page = tmp_path / TERMS_PAGE
    page.write_text("mine")
    install_terms(workspace)
    assert page.read_text() == terms_as_markdown()
    assert [each.read_text() for each in workspace.backups.iterdir()] == ["mine"]


def test_lessons_that_link_to_it_name_it_rightly():
    linking = [each.number for each in catalogue() if f"]({TERMS_PAGE})" in texts_of(each)]
    assert "00" in linking
