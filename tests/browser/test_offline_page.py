"""The pages of the lessons in a real browser, without a network."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from deployworkbook.execution.page import write_page
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.plots.panels import LEAST_SCALE
from deployworkbook.widgets.explorer import _table_html
from tests.browser.conftest import pages

LESSONS = catalogue()
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1200, "height": 900}
# Each panel of a picture: where it ends, the widths of its image, and how it is coloured.
PANELS = """
[...document.querySelectorAll('.workbook-picture img')].map(each => [
  each.parentElement.getBoundingClientRect().right, each.getBoundingClientRect().width,
  each.naturalWidth, getComputedStyle(each).filter,
])
"""


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.name)
def page(request, run_fast, chromium):
    """The page of a lesson that was run fast, opened once, without a network, and unfolded."""
    _, folder = run_fast(request.param)
    path = folder / f"{request.param.name}.html"
    write_page(folder / request.param.path.name, path)
    with pages(chromium) as open_one:
        page = open_one(path.as_uri(), offline=True, viewport=DESKTOP)
        folds = "[...document.querySelectorAll('details')]"
        page.folds_open = page.evaluate(f"{folds}.map(each => each.open)")
        page.evaluate(f"{folds}.forEach(each => each.open = true)")
        yield page


def test_it_asks_for_nothing_but_itself(page, keep_picture):
    keep_picture(page)  # of the first screen: to paint all of a lesson takes seconds
    # Not even for what is fetched only once it is scrolled to.
    assert page.evaluate("[...document.images].every(each => each.src.startsWith('data:'))")
    others = [each for each in page.requests if not each.startswith("data:")]
    assert others == [page.url]


def test_formulas_and_pictures_are_seen(page):
    # Each lesson has an exercise, whose solution is folded.
    assert page.folds_open
    assert not any(page.folds_open)
    sizes = page.evaluate(
        "[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)"
    )
    assert sizes
    assert min(sizes) > 5
    # What a formula is made of, not its source.
    assert "$" not in page.locator("main section.text").first.inner_text()
    pictures = page.evaluate(
        "[...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().width, i.alt])"
    )
    for natural, shown, alt in pictures:
        assert natural > 50
        assert shown > 50
        assert alt.strip()


@pytest.fixture
def on_a_phone(page):
    """The page on a phone, and then on a desktop again."""
    page.set_viewport_size(PHONE)
    yield
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("on_a_phone")
def test_it_fits_a_phone_and_can_be_read(page, keep_picture, scheme):
    page.emulate_media(color_scheme=scheme)
    keep_picture(page)
    for panel, width, natural, dark in page.evaluate(PANELS):
        assert panel <= PHONE["width"]
        # Text of 11 points at a size of 1 has at least 9.
        assert width >= LEAST_SCALE * natural - 1
        assert (dark == "none") == (scheme == "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ink, paper = page.evaluate(
        "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
    )
    # 7:1 is what WCAG 2 asks for at its highest level.
    assert contrast(ink, paper) >= 7
    assert float(page.evaluate("getComputedStyle(document.body).fontSize")[:-2]) >= 16


def test_a_document_that_a_cell_shows_is_shown_whole(tmp_path, open_page):
    text = "# Plan\n\n| what | USD |\n| --- | ---: |\n| storage | 1 |\n\n" + "A sentence.\n\n" * 60
    shown = new_output("display_data", {"text/markdown": text})
    nbformat.write(
        new_notebook(cells=[new_code_cell("plan", outputs=[shown])]), tmp_path / "plan.ipynb"
    )
    write_page(tmp_path / "plan.ipynb", tmp_path / "plan.html")
    page = open_page((tmp_path / "plan.html").as_uri(), offline=True, viewport=DESKTOP)
    hidden = "(e => e.scrollHeight - e.clientHeight)(document.querySelector('.output'))"
    assert page.evaluate(hidden) == 0
    align = "[...document.querySelectorAll('td')].map(e => getComputedStyle(e).textAlign)"
    assert page.evaluate(align) == ["left", "right"]


def test_a_page_with_hostile_output_stays_where_it_is_and_asks_for_nothing(tmp_path, open_page):
    url = (tmp_path / "elsewhere.html").as_uri()
    (tmp_path / "elsewhere.html").write_text("elsewhere")
    text = (
        f'<meta http-equiv="refresh" content="0;url={url}"><form action="{url}"><button>go</button>'
        f'</form><a id="bad" href="javascript:location=\'{url}\'" ping="{url}">click</a>'
        f'<base href="{url}"><iframe src="{url}"></iframe><img src="{url}">'
        f"<svg onload=\"location='{url}'\"></svg><style>@import url({url})</style>"
    )
    outputs = [new_output("display_data", {kind: text}) for kind in ("text/html", "text/markdown")]
    cells = [new_code_cell("1", outputs=outputs), new_markdown_cell(f"# T\n\n{text}")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "n.ipynb")
    write_page(tmp_path / "n.ipynb", tmp_path / "n.html")
    own = (tmp_path / "n.html").as_uri()
    page = open_page(own, viewport=DESKTOP)
    for link in page.get_by_text("click").all():
        link.click()
    page.evaluate("new Promise(done => setTimeout(done, 0))")  # a refresh of 0 s has begun by then
    assert page.url == own
    assert [each for each in page.requests if not each.startswith("data:")] == [own]
    assert page.get_by_text("click").count() == 3


def test_on_a_phone_a_long_row_pushes_no_other_out_of_sight(tmp_path, open_page):
    rows = [("compute", "105.89 USD"), ("maintenance", "2,577.75 USD: " + "hours of work, " * 9)]
    shown = new_output("display_data", {"text/html": _table_html(rows)})
    nbformat.write(
        new_notebook(cells=[new_code_cell("bill", outputs=[shown])]), tmp_path / "bill.ipynb"
    )
    write_page(tmp_path / "bill.ipynb", tmp_path / "bill.html")
    page = open_page((tmp_path / "bill.html").as_uri(), offline=True, viewport=PHONE)
    right = "Math.max(...[...document.querySelectorAll('td')].map(e => "
    assert page.evaluate(right + "e.getBoundingClientRect().right))") <= PHONE["width"]


def contrast(first, second):
    """The ratio of WCAG 2: (L1 + 0.05) / (L2 + 0.05), by relative luminance."""
    lighter, darker = sorted(map(luminance, (first, second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
