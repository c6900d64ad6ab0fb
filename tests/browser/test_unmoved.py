"""Every explorer, opened in a browser and unmoved, shows what a headless run shows."""

import ast
import runpy

import ipywidgets
import pytest

from deployworkbook.plots.panels import SMALLEST_SEEN_PT
from tests.browser.conftest import POLLING_MS
from tests.browser.explorers import EXPLORERS
from tests.plots.colours import GRAPHICS, TEXT, least_contrast

WINDOW = {"width": 1280, "height": 720}

# What stands in each explorer's output, and which of its words have no room.
READ = """
() => [...document.querySelectorAll('.jp-OutputArea-output')].map(output => ({
  alt: output.querySelector('img').alt,
  rows: [...output.querySelectorAll('tr')].map(row => [...row.children].map(c => c.innerText)),
  readouts: [...output.querySelectorAll('.widget-readout')].map(each => each.innerText),
  cut: [...output.querySelectorAll('.widget-label, .widget-readout, .widget-button, select')]
    .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.innerText),
  wide: output.querySelector('img').getBoundingClientRect().right
    > output.getBoundingClientRect().right + 1,
}))
"""

# A window zoomed to 200 %, and a phone.
NARROW = [{"width": 640, "height": 360}, {"width": 390, "height": 844}]
# Of each explorer: what reaches out of its place, its shortest slider, and its smallest text, which
# has 11 points on paper, at 100 dots an inch; browsers show 96.
READ_NARROW = """
() => [...document.querySelectorAll('.jp-OutputArea-output')].map(output => {
  const end = output.getBoundingClientRect().right + 1;
  const width = each => each.getBoundingClientRect().width;
  const parts = '.widget-inline-hbox, .widget-readout, button, select, .workbook-picture div';
  return {
    outside: [...output.querySelectorAll(parts)]
      .filter(each => each.getBoundingClientRect().right > end).map(each => each.className),
    shortest: Math.min(...[...output.querySelectorAll('.noUi-target')].map(width)),
    points: Math.min(...[...output.querySelectorAll('.workbook-picture img')]
      .map(each => 11 * 100 / 96 * width(each) / each.naturalWidth)),
  };
})
"""
# Long enough to move a handle by touch.
SHORTEST_PX = 100


@pytest.fixture(scope="module")
def made():
    """Where explorers that have been made are kept."""
    return []


@pytest.fixture
def headless(made, tmp_path, undrawn):
    """All explorers, made here by the same lines as in the notebook."""
    if not made:
        script = tmp_path / "cell.py"
        script.write_text("made = []\n" + cell_of("made.append"))
        made += runpy.run_path(str(script))["made"]
    return made


def cell_of(show):
    """Write one cell that makes all explorers and hands each to a function."""
    lines = []
    for source in EXPLORERS.values():
        *setup, last = ast.parse(source).body
        lines += [*map(ast.unparse, setup), f"{show}({ast.unparse(last)})"]
    return "\n".join(lines)


def readouts_of(explorer):
    for widget in explorer._widgets.values():
        if isinstance(widget, ipywidgets.SelectionSlider):
            yield widget.options[widget.index][0]
        elif isinstance(widget, ipywidgets.IntSlider):
            yield str(widget.value)


def test_texts_and_lines_of_every_explorer_can_be_told_from_light_and_dark_paper(headless):
    for name, explorer in zip(EXPLORERS, headless, strict=True):
        # Ticks, titles and labels are black; to look through all ticks takes seconds.
        for axes in explorer._view.picture.axes:
            for text in axes.texts:
                assert least_contrast(text.get_color()) >= TEXT, (name, text)
            for line in axes.lines:
                assert least_contrast(line.get_color()) >= GRAPHICS, (name, line)


def with_children(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from with_children(child)


def test_every_explorer_is_made_of_widgets_that_other_editors_have(headless):
    """Others' widgets would be fetched from the network in Visual Studio Code and Colab."""
    for name, explorer in zip(EXPLORERS, headless, strict=True):
        for widget in with_children(explorer.widget):
            assert widget._model_module == "@jupyter-widgets/controls", (name, widget)
            assert widget._model_name != "OutputModel", name


def test_every_explorer_opened_and_unmoved_is_its_static_form(
    headless, lab, open_page, keep_picture
):
    # In one cell: JupyterLab draws no cell that is out of sight.
    page = open_page(lab.write("unmoved.ipynb", cell_of("display")), viewport=WINDOW)
    lab.wait_until_idle(page)
    lab.run_all(page)
    readouts = [list(readouts_of(explorer)) for explorer in headless]
    page.wait_for_function(
        "count => document.querySelectorAll('.noUi-handle').length == count",
        arg=sum(map(len, readouts)),
        timeout=300_000,  # sixty sliders, perhaps on a busy machine
        polling=POLLING_MS,
    )
    lab.wait_until_idle(page)
    for name, explorer, expected, seen in zip(
        EXPLORERS, headless, readouts, page.evaluate(READ), strict=True
    ):
        assert seen["readouts"] == expected, name
        assert seen["alt"] == explorer._view.picture.alt, name
        assert seen["rows"] == [list(row) for row in explorer._view.table(explorer.result)], name
    keep_picture(page)
    for name, seen in zip(EXPLORERS, page.evaluate(READ), strict=True):
        assert seen["cut"] == [], name
        assert not seen["wide"], name
    page.keyboard.press("Control+b")  # closes the file browser, as it is in the first session
    for window in NARROW:
        page.set_viewport_size(window)
        page.wait_for_function(
            "width => document.querySelector('.jp-OutputArea-output').clientWidth < width",
            arg=window["width"],
        )
        for name, seen in zip(EXPLORERS, page.evaluate(READ_NARROW), strict=True):
            assert seen["outside"] == [], (name, window)
            assert seen["shortest"] >= SHORTEST_PX, (name, window)
            assert seen["points"] >= 0.99 * SMALLEST_SEEN_PT, (name, window)
