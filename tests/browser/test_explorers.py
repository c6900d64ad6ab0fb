"""Explorers in JupyterLab: moved by a learner, and seen without a kernel."""

import re

import pytest

from deployworkbook.exercises.registry import PREDICTIONS
from deployworkbook.plots.panels import DARK_FILTER
from tests.browser.conftest import POLLING_MS

CELLS = (
    "from deployworkbook.widgets import loss_explorer\nloss_explorer()",
    "from deployworkbook.widgets import descent_explorer\ndescent_explorer()",
    'from deployworkbook.exercises import predict\nguess = predict("losses.push")\nguess',
    "guess.opens(loss_explorer())",
)
PICTURE = ".jp-OutputArea-output img[alt*='Cross-entropy']"
HANDLE = ".noUi-handle"
# So high that all cells are in sight: JupyterLab draws no others.
WINDOW = {"width": 1300, "height": 3500}
# The logit of the true class is 1.0, beside 2 and 0: e / (e + e^2 + 1) = 2.7183 / 11.1073.
INITIAL = "has the probability 0.245"


@pytest.fixture(scope="module")
def opened(shared_lab, open_shared_page):
    """A notebook with explorers that has been run."""
    page = open_shared_page(shared_lab.write("explorers.ipynb", *CELLS), viewport=WINDOW)
    shared_lab.wait_until_idle(page)
    shared_lab.run_all(page)
    # Two explorers are drawn before, perhaps on a busy machine.
    page.get_by_text("Lock your guess above").wait_for(timeout=300_000)
    yield page
    shared_lab.end_kernels()


@pytest.fixture
def page(opened):
    """That page, with the first explorer's controls at their initial values."""
    opened.locator("body").evaluate("body => { body.dataset.jpThemeLight = 'true' }")
    opened.get_by_role("button", name="Reset", exact=True).first.click()
    opened.wait_for_function(f"document.querySelector({PICTURE!r}).alt.includes({INITIAL!r})")
    return opened


def shown(page):
    return page.locator(PICTURE).first.get_attribute("alt")


def test_arrow_keys_move_a_slider_and_the_picture_follows(page, keep_picture):
    before = shown(page)
    page.locator(HANDLE).first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector({PICTURE!r}).alt != {before!r}")
    keep_picture(page)
    # The logit of the true class went from 1.0 to 1.5, beside 2 and 0:
    # e^1.5 / (e^1.5 + e^2 + e^0) = 4.4817 / 12.8708 = 0.348.
    assert "has the probability 0.348" in shown(page)
    # In a dark theme, which JupyterLab marks so, each panel has its dark form.
    panels = page.locator(".jp-OutputArea-output").first.locator(".workbook-picture img")
    filters = "panels => panels.map(panel => getComputedStyle(panel).filter)"
    assert set(panels.evaluate_all(filters)) == {"none"}
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert panels.evaluate_all(filters) == [DARK_FILTER] * 3


def test_a_slider_has_a_name_and_says_its_value_with_the_unit(page):
    slider = page.get_by_role("slider", name="batch size (patients)", exact=True)
    # ipywidgets itself would say 9: the place of 442 among the steps.
    assert slider.get_attribute("aria-valuetext") == "442 patients"
    assert slider.get_attribute("aria-disabled") == "true"
    for handle in page.locator(HANDLE).all():
        assert handle.get_attribute("aria-label")
    first = page.get_by_role("slider", name="logit of cat", exact=True).first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("handle => handle.ariaValueText == '1.5'", arg=first.element_handle())


def test_after_a_drag_the_picture_is_that_of_the_last_place(page):
    handle = page.locator(HANDLE).first
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 41):
        page.mouse.move(x - 2 * step, y)
    page.mouse.up()
    readout = float(page.locator(".widget-readout").first.inner_text().replace("\u2212", "-"))
    assert readout < -1
    row = page.locator("tr", has_text="gradient of cross-entropy, true logit").last
    # p - 1 for the true class, beside the logits 2 and 0.
    share = 2.718281828**readout / (2.718281828**readout + 2.718281828**2 + 1)
    page.wait_for_function(
        "([row, wanted]) => Math.abs(parseFloat(row.lastChild.innerText) - wanted) < 1e-4",
        arg=[row.element_handle(), share - 1],
    )


def test_reset_brings_back_the_first_picture(page):
    before = shown(page)
    page.locator(HANDLE).first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector({PICTURE!r}).alt != {before!r}")
    page.get_by_role("button", name="Reset", exact=True).first.click()
    page.wait_for_function(f"document.querySelector({PICTURE!r}).alt == {before!r}")


def test_what_does_not_matter_is_greyed_until_it_does(page, keep_picture):
    page.wait_for_selector(".jp-OutputArea-output img[alt*='Quadratic bowl']")
    momentum = page.locator(".widget-slider", has_text="momentum").locator(".noUi-target")
    batches = page.locator(".widget-slider", has_text="batch size").locator(".noUi-target")
    assert [each.get_attribute("disabled") for each in (momentum, batches)] == ["true", "true"]
    surface, rule = page.locator(".jp-CodeCell").nth(1).locator("select").all()
    surface.select_option("regression on real data")
    rule.select_option("momentum")
    page.wait_for_selector(".jp-OutputArea-output img[alt*='steps of momentum']")
    keep_picture(page)
    assert [each.get_attribute("disabled") for each in (momentum, batches)] == [None, None]
    batches.locator(HANDLE).focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".jp-OutputArea-output img[alt*='on batches of 256']")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def wait_for_focus(page, cell):
    """Wait until a cell has the focus, which JupyterLab moves a moment after the key."""
    page.wait_for_function(
        "number => document.activeElement === document.querySelectorAll('.jp-Cell')[number]",
        arg=cell,
    )


def tab_to(page, selector):
    """Press the Tab key until an element has the focus: the cell's toolbar may come before it."""
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the Tab key doesn't lead to {selector}")


def test_a_guess_is_made_and_what_it_opens_is_moved_by_keyboard_alone(page, keep_picture):
    """From the Reset button of the first cell, which the fixture has pressed."""
    assert page.locator(PICTURE).count() == 1
    press(page, "Escape", "ArrowDown", "ArrowDown")  # back to its cell, and on to the guess's
    wait_for_focus(page, cell=2)
    tab_to(page, "input[type=radio]")
    press(page, "Space", "ArrowDown")
    assert page.get_by_label("about half as hard").is_checked()
    page.locator("button:enabled", has_text="Lock my guess").wait_for()
    press(page, "Tab", "Enter")
    page.locator(PICTURE).nth(1).wait_for()
    assert page.get_by_text("The answer: “practically not at all”.").is_visible()
    # The button can't be pressed again; its cell has the focus.
    wait_for_focus(page, cell=2)
    press(page, "ArrowDown")
    wait_for_focus(page, cell=3)
    tab_to(page, HANDLE)
    before = page.locator(PICTURE).nth(1).get_attribute("alt")
    # To a cell, these would mean: go up, and cut.
    press(page, "ArrowUp", "x")
    page.wait_for_function(
        "([picture, before]) => document.querySelectorAll(picture)[1].alt != before",
        arg=[PICTURE, before],
    )
    keep_picture(page)
    press(page, "Shift+Enter")
    page.wait_for_function("document.activeElement.closest('.jp-OutputArea') == null")
    assert page.locator(".jp-Notebook .jp-CodeCell").count() >= len(CELLS)


# Of each guess: whether it can be locked, and whether the page holds or shows what it opens.
GUESSES = """
opened => {
  const outputs = [...document.querySelectorAll('.jp-OutputArea-output')];
  const text = kind => outputs.map(each => each[kind]).join(' ').replace(/\\s+/g, ' ');
  const [there, seen] = [text('textContent'), text('innerText')];
  const locks = [...document.querySelectorAll('button')]
    .filter(each => each.innerText.trim() === 'Lock my guess');
  return opened.map((words, at) => ({
    ready: !locks[at].disabled,
    held: words.some(each => there.includes(each)),
    shown: words.every(each => seen.includes(each)),
  }));
}
"""
# Choose, and then lock, every other guess: the first, the third … or the second, the fourth …
CHOOSE = """
first => document.querySelectorAll('.widget-radio-box').forEach((each, at) => {
  if (at % 2 === first) each.querySelector('input').click();
})
"""
LOCK = """
first => [...document.querySelectorAll('button')]
  .filter(each => each.innerText.trim() === 'Lock my guess')
  .forEach((each, at) => { if (at % 2 === first) each.click(); })
"""


def test_every_guess_keeps_its_answer_back_until_it_is_locked(lab, open_page, tmp_path):
    names = sorted(PREDICTIONS)
    # Where no test has locked any of them yet.
    elsewhere = f"import os\nos.environ['DEPLOYWORKBOOK_HOME'] = {str(tmp_path)!r}"
    # JupyterLab folds a cell's outputs from the fiftieth on.
    cells = [
        "from IPython.display import display\n"
        "from deployworkbook.exercises import predict\n"
        "from deployworkbook.plots import text_table\n"
        f"for name in {names[start : start + 20]}:\n"
        "    guess = predict(name)\n"
        "    display(guess, guess.opens(text_table([[f'behind [{name}]']], ['kept back'])))"
        for start in range(0, len(names), 20)
    ]
    page = open_page(lab.write("guesses.ipynb", elsewhere, *cells), viewport=WINDOW)
    lab.wait_until_idle(page)
    lab.run_all(page)
    page.get_by_role("button", name="Lock my guess", exact=True).nth(len(names) - 1).wait_for()
    opened = [[f"behind [{name}]", " ".join(PREDICTIONS[name].reason.split())] for name in names]

    def wait_until(what, first):
        page.wait_for_function(
            f"([opened, first]) => ({GUESSES})(opened)"
            f".every((each, at) => at % 2 !== first || each.{what})",
            arg=[opened, first],
            polling=POLLING_MS,
        )

    closed = {"held": False, "shown": False}
    # Every other one first, so that none may open together with its neighbour.
    for first in (0, 1):
        for name, guess in list(zip(names, page.evaluate(GUESSES, opened), strict=True))[first::2]:
            assert guess == closed | {"ready": False}, name
        page.evaluate(CHOOSE, first)
        wait_until("ready", first)
        for name, guess in list(zip(names, page.evaluate(GUESSES, opened), strict=True))[first::2]:
            assert guess == closed | {"ready": True}, name
        page.evaluate(LOCK, first)
        wait_until("shown", first)


def test_no_output_says_that_a_model_is_missing_after_reopening_without_a_kernel(
    page, shared_lab, open_page, keep_picture
):
    page.locator(".jp-InputArea-editor").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    saved = (shared_lab.folder / "explorers.ipynb").read_text()
    assert "application/vnd.jupyter.widget-state+json" in saved
    page.goto("about:blank")
    shared_lab.end_kernels()
    # Without a kernel's name none is started.
    no_kernel = re.sub(r'"kernelspec": \{[^}]*\}', '"kernelspec": {}', saved)
    (shared_lab.folder / "reopened.ipynb").write_text(no_kernel)
    again = open_page(shared_lab.notebook("reopened.ipynb"), viewport=WINDOW)
    # Behind the dialog that asks for a kernel, which nobody answers.
    again.wait_for_selector(PICTURE)
    keep_picture(again)
    assert "not found" not in again.locator(".jp-Notebook").inner_text()
