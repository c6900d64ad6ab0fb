"""HTML pages of executed notebooks."""

import base64
import re

import bs4
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from deployworkbook.execution.page import IndexEntry, write_index, write_page
from deployworkbook.plots.panels import DARK_FILTER
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


def test_a_page_loads_and_runs_nothing(page_of):
    page = page_of(
        new_markdown_cell("# A\n\n$x$ and $$y$$"),
        code("1", data(text_html="<script>alert(1)</script><b>b</b>", text_plain="b")),
    )
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "form-action 'none'" in policy
    for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")):
        for element in page.find_all(tag):
            assert element.get(attribute, "data:").startswith("data:"), element


LEAVES = [
    '<meta http-equiv="refresh" content="0;url={url}">',
    '<form action="{url}"><input autofocus><button>go</button></form>',
    "<a href=\"java\tscript:location='{url}'\">script</a>",
    '<a href=" data:text/html,<script>location=\'{url}\'</script>" ping="{url}">data</a>',
    '<base href="{url}/"><link rel="dns-prefetch" href="{url}"><link rel="prefetch" href="{url}">',
    '<iframe src="{url}"></iframe><object data="{url}"></object><embed src="{url}">',
    '<img src="{url}/x.png" srcset="{url}/y.png 2x" onerror="location=\'{url}\'">',
    '<svg onload="location=\'{url}\'"><script>location="{url}"</script>'
    '<a><animate attributeName="href" values="javascript:location=1"/><text>x</text></a>'
    '<foreignObject><meta http-equiv="refresh" content="0;url={url}"></foreignObject></svg>',
    "<style>@import url({url}); body {{ background: url({url}) }}</style>",
    '<p style="background: url({url}); position: fixed; inset: 0">over all</p>',
    '<video autoplay src="{url}"></video><audio src="{url}"></audio>',
    "<math><mtext><table><mglyph><style><!--</style>"
    '<img title="--&gt;&lt;meta http-equiv=refresh content=0&gt;">',
]


@pytest.mark.parametrize("html", LEAVES)
def test_html_that_navigates_loads_or_executes_is_removed_everywhere(page_of, html):
    url = "https://elsewhere.example"
    text = html.format(url=url)
    injected = f'"><b>x</b>{text}'
    page = page_of(
        new_markdown_cell(f"# A </title>{text}\n\n{text}\n\nand {text} so"),
        code("1", data(text_html=text), data(text_markdown=text), data(image_png=injected)),
    )
    assert len(page.find_all("meta", {"http-equiv": True})) == 1  # the page's own policy
    assert len(page.find_all("style")) == len(page.find_all("link")) == 1
    main = page.find("main")
    unsafe = "script form input base iframe object embed svg video audio button foreignobject"
    assert not main.find_all(unsafe.split())
    for element in main.find_all(True):
        assert not any(name.startswith("on") for name in element.attrs), element
        assert not {"srcset", "ping", "target", "action"} & set(element.attrs), element
        # The text of a link may still be a link.
        assert element.get("href", "#").startswith(("#", "https:")), element
        assert "url(" not in element.get("style", "")
        assert "position" not in element.get("style", "")
        if "src" in element.attrs and element.name == "img":
            assert element["src"].startswith("data:image/")


def test_inert_html_is_unchanged(page_of):
    kept = (
        '<table border="1" class="dataframe"><tbody><tr style="text-align: right;">'
        '<td>1 &lt; 2</td></tr></tbody></table><progress max="3" value="2"></progress><a href="https://e.org/f">e</a>'
        "<details><summary>more</summary>text</details>"
    )
    output = page_of(code("1", data(text_html=kept))).find("div", "output")
    assert output.decode_contents().strip() == kept


def test_a_fold_keeps_all_its_paragraphs_and_pictures(page_of):
    source = (
        "Guess.\n\n<details>\n<summary>Answer</summary>\n\nFirst **bold**.\n\n"
        f'<img alt="p" src="data:image/png;base64,{PNG}">\n\nSecond.\n\n</details>\n\nAfter.'
    )
    (fold,) = page_of(new_markdown_cell("# T"), new_markdown_cell(source)).find_all("details")
    assert [each.get_text() for each in fold.find_all("p")] == ["First bold.", "Second."]
    assert fold.find("img")["src"].startswith("data:image/png")
    assert "After." not in fold.get_text()


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


def test_an_invalid_formula_is_an_error(page_of):
    with pytest.raises(ValueError, match="nosuch"):
        page_of(new_markdown_cell(r"$\nosuch$"))


def test_every_picture_has_alternative_text(page_of):
    picture = Picture(1, 1, alt='Loss "falls".')
    page = page_of(
        new_markdown_cell(f"![a digit](data:image/png;base64,{PNG})"),
        code("1", new_output("display_data", {**picture._repr_mimebundle_()})),
        code("2", data(image_png=PNG, text_plain="<Figure size 1x1>")),
        code("3", data(image_png=PNG, text_plain="A bar chart.")),
        code("4", data(text_html=f'<img title="a > b, alt=" src="data:image/png;base64,{PNG}">')),
        code("5", data(text_html=f'<img src="data:image/png;base64,{PNG}" alt="c > d">')),
        code("6", data(text_html=f"<img title='a \"b\"' src='data:image/png;base64,{PNG}'>")),
    )
    assert [image["alt"] for image in page.find_all("img")] == [
        "a digit",
        'Loss "falls".',
        "Picture made by code cell 2.",
        "A bar chart.",
        "No description has been provided for this image",
        "c > d",
        "No description has been provided for this image",
    ]


def test_links_to_lessons_lead_to_their_pages(page_of):
    page = page_of(
        new_markdown_cell(
            "[a](04_training.ipynb) [b](x.ipynb#c) [d](https://e.org/f.ipynb) [g](#h) "
            "[t](terms.md) [u](terms.md#softmax) [v](other-terms.md)"
        )
    )
    links = [a["href"] for a in page.find("main").find_all("a")]
    lessons = ["04_training.html", "x.html#c", "https://e.org/f.ipynb", "#h"]
    assert links == [*lessons, "terms.html", "terms.html#softmax", "other-terms.md"]


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


def collapsed(source):
    return new_markdown_cell(source, metadata={"jp-MarkdownHeadingCollapsed": True})


def test_collapsed_sections_are_folded_up_to_the_next_heading_of_their_level(page_of):
    page = page_of(
        new_markdown_cell("# T"),
        collapsed("## A\n\ntext of A"),
        code("a = 1"),
        collapsed("### A1"),
        code("a1 = 1"),
        new_markdown_cell("### A2"),
        new_markdown_cell("```\n# no heading\n```"),
        new_markdown_cell("## B"),
        collapsed("## C"),
        code("c = 1"),
    )
    sections = page.find_all("details", "section")
    assert [each.summary.find(["h2", "h3"])["id"] for each in sections] == ["A", "A1", "C"]
    first, inner, last = (each.get_text() for each in sections)
    assert "text of A" in first
    assert "no heading" in first
    assert "A2" not in inner
    assert "a1 = 1" in inner
    assert "B" not in first + inner + last
    assert "c = 1" in last
    assert not any(each.has_attr("open") for each in sections)


def test_a_fold_that_a_notebook_claims_is_ignored(page_of):
    cell = new_markdown_cell("text", metadata={"deployworkbook_fold": {"ends": 10**9}})
    assert page_of(new_markdown_cell("# T"), cell).find_all("details") == []


def test_pictures_keep_their_panels_and_have_a_dark_form(page_of):
    picture = Picture(6, 2, alt="Two panels.")
    picture.subplots(1, 2)
    page = page_of(code("1", new_output("display_data", {**picture._repr_mimebundle_()})))
    (shown,) = page.find_all("div", "workbook-picture")
    assert [image["alt"] for image in shown.find_all("img")] == [
        "Two panels.",
        "Another part of the same picture.",
    ]
    (strip,) = shown.find_all("div", recursive=False)
    assert "flex-wrap: wrap" in strip["style"]
    for panel in strip.find_all("div"):
        assert {"flex", "max-width", "overflow-x"} <= set(re.findall(r"([\w-]+):", panel["style"]))
    dark = page.find("style").get_text().partition("screen and (prefers-color-scheme: dark)")[2]
    assert f".workbook-picture img {{ filter: {DARK_FILTER}; }}" in dark


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


def test_the_index_links_to_each_page_with_its_state(tmp_path):
    entries = [
        IndexEntry("04 <Training>", "04.html", "How?", "passed, 3 s", True),
        IndexEntry("05", "05.html", "", "failed, code cell 2", False),
    ]
    write_index(entries, tmp_path / "index.html", made="Today.")
    page = bs4.BeautifulSoup((tmp_path / "index.html").read_text(), "html.parser")
    assert [(a.get_text(), a["href"]) for a in page.find("main").find_all("a")] == [
        ("04 <Training>", "04.html"),
        ("05", "05.html"),
    ]
    assert [s["class"] for s in page.find_all("span")] == [["passed"], ["failed"]]
    assert page.find("footer").get_text() == "Today."
