"""A lesson links each term that it introduces to the page of terms, where it first uses it."""

import re

import nbformat
import pytest

from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.terms import TERMS_PAGE, load_terms

TERMS = load_terms()
ANCHORS = {term.anchor: term for term in TERMS}
LINK = re.compile(rf"\[(?P<text>[^\[\]]*)\]\({re.escape(TERMS_PAGE)}#(?P<anchor>[^)]*)\)")
# Code, formulas, headings, other links and HTML; the question, the minutes and the references.
NO_PROSE = re.compile(
    r"\A## References\n.*?(?=\n\*\*An open|\Z)"
    rf"|```.*?```|\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]+`|^#+ .*?$"
    rf"|\[[^\[\]]*\]\((?!{re.escape(TERMS_PAGE)}#)[^)]*\)"
    r"|<summary>.*?</summary>|<[^>]+>|^\*\*[^*\n]*\?\*\*$|^About \d+ minutes.*?$",
    re.DOTALL | re.MULTILINE,
)
# Words that a lesson uses in another sense before it introduces the term.
EARLIER_SENSES = {"network"}


@pytest.fixture(params=catalogue(), ids=lambda lesson: lesson.name)
def lesson(request):
    return request.param


def prose_of(lesson):
    """The Markdown of a lesson; what isn't prose is blank, so that links keep their places."""
    cells = nbformat.read(lesson.path, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    blank = [NO_PROSE.sub(lambda found: " " * len(found[0]), text) for text in texts]
    return "\n\n".join(blank)


def uses_of(term):
    """A pattern of a term's words. Abbreviations and names keep their capitals."""
    words = [
        (r"\**\s+\**".join(map(re.escape, name.split())), any(map(str.isupper, name)))
        for name in (term.name, *term.forms)
    ]
    either = "|".join(word if exact else f"(?i:{word})" for word, exact in words)
    return re.compile(rf"(?<![\w-])(?:{either})(?:s|es)?(?![\w-])")


def test_each_link_leads_to_a_term_that_this_lesson_introduces(lesson):
    anchors = [found["anchor"] for found in LINK.finditer(prose_of(lesson))]
    assert [anchor for anchor in anchors if anchor not in ANCHORS] == []
    assert [anchor for anchor in anchors if ANCHORS[anchor].lesson != lesson] == []
    assert len(set(anchors)) == len(anchors)


def test_the_first_use_of_each_of_its_terms_is_linked(lesson):
    prose = prose_of(lesson)
    links = {found["anchor"]: found for found in LINK.finditer(prose)}
    mine = [term for term in TERMS if term.lesson == lesson]
    assert mine
    for term in mine:
        link = links.get(term.anchor)
        assert link, f"{term.name}: link its first use, [{term.name}]({TERMS_PAGE}#{term.anchor})"
        assert uses_of(term).fullmatch(link["text"].replace("**", "")), link[0]
        if term.name in EARLIER_SENSES:
            continue
        earlier = LINK.sub(lambda found: found["text"], prose[: link.start()])
        longer = [each for each in mine if len(each.name) > len(term.name)]
        for each in longer:  # "cross-entropy" within "binary cross-entropy" isn't a use of it
            earlier = uses_of(each).sub("", earlier)
        assert not uses_of(term).search(earlier), f"{term.name} is used before its link"


def test_links_are_short_and_stay_within_a_line(lesson):
    for found in LINK.finditer(prose_of(lesson)):
        assert len(found["text"]) <= 40
        assert "\n" not in found["text"]


def test_links_to_the_whole_page_name_it_rightly():
    numbers = [each.number for each in catalogue() if f"]({TERMS_PAGE})" in each.path.read_text()]
    assert "00" in numbers


def test_terms_of_a_lesson_are_its_own():
    """A term that an earlier lesson prints in bold, to explain it, belongs to that one."""
    bold = {
        lesson.name: {
            word.casefold()
            for word in re.findall(r"\*\*\[?([\w -]+?)\]?(?:\([^)]*\))?\*\*", prose_of(lesson))
        }
        for lesson in catalogue()
    }
    for term in TERMS:
        before = [name for name in bold if name < term.lesson.name]
        assert [name for name in before if term.name.casefold() in bold[name]] == [], term.name
