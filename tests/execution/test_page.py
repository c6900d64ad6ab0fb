"""Pages of executed notebooks."""

import base64

import bs4
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from deployworkbook.execution.page import Entry, write_index, write_page
from deployworkbook.plots.picture import Picture

PNG = base64.b64encode(Picture(0.2, 0.2).png()).decode()


@pytest.fixture
def page_of(tmp_path):
    """Write a notebook of the given cells and return its page, parsed."""

    def page(*cells, **options):
        path = tmp_path / "lesson.ipynb"
        nbformat.write(new_notebook(cells=list(cells)), path)
        write_page(path, tmp_path / "lesson.html", **options)
        return bs4.BeautifulSoup((tmp_path / "lesson.html").read_text(), "html.parser")

    return page


def code(source="1", *outputs):
    return new_code_cell(source, outputs=list(outputs), execution_count=1)


def data(**kinds):
    return new_output("display_data", {k.replace("_", "/", 1): v for k, v in kinds.items()})


def test_nothing_on_it_loads_or_runs_anything(page_of):
    page = page_of(
        new_markdown_cell("# A\n\n$x$ and $$y$$"),
        code("1", data(text_html="<script>alert(1)</script><b>b</b>", text_plain="b")),
    )
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")):
        for element in page.find_all(tag):
            assert element.get(attribute, "data:").startswith("data:"), element


def test_a_table_scrolls_within_the_page_and_holds_formulas(page_of):
    page = page_of(new_markdown_cell("| a | b |\n|---|---|\n| $x$ | 2 |"))
    (table,) = page.find_all("table")
    assert "scroll" in table.parent["class"]
    assert table.find("td").find("math")
    assert [cell.text for cell in table.find_all("th")] == ["a", "b"]


def test_formulas_are_mathml_but_not_in_code(page_of):
    page = page_of(
        new_markdown_cell("$a_1$ costs\n\n$$b^2$$\n\n\\begin{align} c &= d \\end{align}"),
        new_markdown_cell("`$e$` and\n\n```python\nf = '$g$'\n```"),
        code("1", data(text_latex="$h$", text_plain="h")),
    )
    assert len(page.find_all("math")) == 4
    assert [m["display"] for m in page.find_all("math")] == ["inline", "block", "block", "block"]
    assert page.find("code", string="$e$")


def test_a_formula_that_cannot_be_shown_is_an_error(page_of):
    with pytest.raises(ValueError, match="nosuch"):
        page_of(new_markdown_cell(r"$\nosuch$"))


def test_every_picture_has_a_text(page_of):
    picture = Picture(1, 1, alt='Loss "falls".')
    page = page_of(
        new_markdown_cell(f"![a digit](data:image/png;base64,{PNG})"),
        code("1", new_output("display_data", {**picture._repr_mimebundle_()})),
        code("2", data(image_png=PNG, text_plain="<Figure size 1x1>")),
        code("3", data(image_png=PNG, text_plain="A bar chart.")),
    )
    assert [image["alt"] for image in page.find_all("img")] == [
        "a digit",
        'Loss "falls".',
        "Picture made by code cell 2.",
        "A bar chart.",
    ]


def test_links_to_lessons_lead_to_their_pages(page_of):
    page = page_of(
        new_markdown_cell(
            "[a](04_training.ipynb) [b](x.ipynb#c) [d](https://e.org/f.ipynb) [g](#h)"
        )
    )
    links = [a["href"] for a in page.find("main").find_all("a")]
    assert links == ["04_training.html", "x.html#c", "https://e.org/f.ipynb", "#h"]


def test_what_was_printed_is_one_text_and_a_bar_its_last_state(page_of):
    streams = [new_output("stream", name="stdout", text=text) for text in ("a\n", " 1%\r", "99%")]
    page = page_of(code("1", *streams))
    assert [pre.get_text() for pre in page.find("div", "output").find_all("pre")] == ["a\n99%"]


def test_errors_keep_their_colours_and_nothing_is_interpreted(page_of):
    error = new_output(
        "error", ename="E", evalue="x", traceback=["\x1b[31mE\x1b[0m: <b>x</b>", "line 2"]
    )
    pre = page_of(code("1", error)).find("pre", "error")
    assert pre.find("span", "ansi-red-fg").get_text() == "E"
    assert pre.get_text() == "E: <b>x</b>\nline 2\n"


def test_parameters_are_labelled(page_of):
    default, given = code("a = 1"), code("a = 2")
    default.metadata["tags"] = ["parameters"]
    given.metadata["tags"] = ["injected-parameters"]
    page = page_of(default, given)
    labels = [p.get_text() for p in page.find_all("p", "label")]
    assert labels == ["Parameters", "Parameters of this run"]


def test_it_has_a_title_a_language_and_a_way_back(page_of):
    page = page_of(new_markdown_cell("# 04 A & B"), home="index.html")
    assert page.title.get_text() == "04 A & B"
    assert page.html["lang"] == "en"
    assert page.find("header").a["href"] == "index.html"
    assert len(page.find_all("main")) == 1


def test_the_index_links_to_each_page_and_says_how_it_ended(tmp_path):
    entries = [
        Entry("04 <Training>", "04.html", "How?", "passed, 3 s", True),
        Entry("05", "05.html", "", "failed, code cell 2", False),
    ]
    write_index(entries, tmp_path / "index.html", made="Today.")
    page = bs4.BeautifulSoup((tmp_path / "index.html").read_text(), "html.parser")
    assert [(a.get_text(), a["href"]) for a in page.find("main").find_all("a")] == [
        ("04 <Training>", "04.html"),
        ("05", "05.html"),
    ]
    assert [s["class"] for s in page.find_all("span")] == [["passed"], ["failed"]]
    assert page.find("footer").get_text() == "Today."
