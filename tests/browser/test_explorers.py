"""Explorers in JupyterLab: moved by a learner, and seen without a kernel."""

import re

import pytest

from deployworkbook.exercises.registry import PREDICTIONS
from deployworkbook.plots.panels import DARK_FILTER

SOURCE = "from deployworkbook.widgets import loss_explorer\nloss_explorer()"
PICTURE = ".jp-OutputArea-output img[alt*='Cross-entropy']"
PANELS = ".jp-OutputArea-output .workbook-picture img"
HANDLE = ".noUi-handle"
WINDOW = {"width": 1300, "height": 950}


@pytest.fixture
def page(lab, open_page, request):
    """A notebook with an explorer that has been run."""
    page = open_page(lab.write(f"{request.node.name}.ipynb", SOURCE), viewport=WINDOW)
    lab.wait_until_idle(page)
    lab.run_all(page)
    page.wait_for_selector(PICTURE)
    return page


def shown(page):
    return page.locator(PICTURE).get_attribute("alt")


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
    filters = f"[...document.querySelectorAll({PANELS!r})].map(e => getComputedStyle(e).filter)"
    assert set(page.evaluate(filters)) == {"none"}
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert page.evaluate(filters) == [DARK_FILTER] * 3


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
    page.get_by_role("button", name="Reset", exact=True).click()
    page.wait_for_function(f"document.querySelector({PICTURE!r}).alt == {before!r}")


def test_no_output_says_that_a_model_is_missing_after_reopening_without_a_kernel(
    page, lab, open_page, keep_picture, request
):
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    saved = (lab.folder / f"{request.node.name}.ipynb").read_text()
    assert "application/vnd.jupyter.widget-state+json" in saved
    page.goto("about:blank")
    lab.end_kernels()
    # Without a kernel's name none is started.
    no_kernel = re.sub(r'"kernelspec": \{[^}]*\}', '"kernelspec": {}', saved)
    (lab.folder / "reopened.ipynb").write_text(no_kernel)
    again = open_page(lab.notebook("reopened.ipynb"), viewport=WINDOW)
    # Behind the dialog that asks for a kernel, which nobody answers.
    again.wait_for_selector(PICTURE)
    keep_picture(again)
    assert "not found" not in again.locator(".jp-Notebook").inner_text()


def test_a_locked_guess_opens_the_explorer(lab, open_page, keep_picture):
    cells = (
        "from deployworkbook.exercises import predict\n"
        "from deployworkbook.widgets import loss_explorer\n"
        'guess = predict("losses.push")\n'
        "guess",
        "guess.opens(loss_explorer())",
    )
    page = open_page(lab.write("guess.ipynb", *cells), viewport=WINDOW)
    lab.wait_until_idle(page)
    lab.run_all(page)
    page.get_by_text("Lock your guess above").wait_for()
    assert page.locator(PICTURE).count() == 0
    page.get_by_label("about as hard").check()
    page.get_by_role("button", name="Lock my guess", exact=True).click()
    page.wait_for_selector(PICTURE)
    keep_picture(page)
    verdict = "You guessed “about as hard”. The answer: “practically not at all”."
    assert page.get_by_text(verdict).is_visible()


def test_every_guess_keeps_its_answer_back_until_it_is_locked(lab, open_page):
    names = sorted(PREDICTIONS)
    # JupyterLab folds a cell's outputs from the fiftieth on.
    cells = [
        "from IPython.display import display\n"
        "from deployworkbook.exercises import predict\n"
        "from deployworkbook.plots import text_table\n"
        f"for name in {names[start : start + 20]}:\n"
        "    guess = predict(name)\n"
        "    display(guess, guess.opens(text_table([[f'behind {name}']], ['kept back'])))"
        for start in range(0, len(names), 20)
    ]
    page = open_page(lab.write("guesses.ipynb", *cells), viewport=WINDOW)
    lab.wait_until_idle(page)
    lab.run_all(page)
    locks = page.get_by_role("button", name="Lock my guess", exact=True)
    locks.nth(len(names) - 1).wait_for()
    for at, name in enumerate(names):
        prediction, answer = PREDICTIONS[name], page.get_by_text(f"behind {name}", exact=True)
        assert locks.nth(at).is_disabled()
        assert answer.count() == 0
        assert page.get_by_text(prediction.reason).count() == 0
        page.locator(".widget-radio-box").nth(at).locator("input").first.check()
        locks.nth(at).click()
        answer.wait_for()
        assert page.get_by_text(prediction.reason).is_visible()


def test_what_does_not_matter_is_greyed_until_it_does(lab, open_page, keep_picture):
    source = "from deployworkbook.widgets import descent_explorer\ndescent_explorer()"
    page = open_page(lab.write("descent.ipynb", source), viewport=WINDOW)
    lab.wait_until_idle(page)
    lab.run_all(page)
    page.wait_for_selector(".jp-OutputArea-output img[alt*='Quadratic bowl']")
    momentum = page.locator(".widget-slider", has_text="momentum").locator(".noUi-target")
    batches = page.locator(".widget-slider", has_text="batch size").locator(".noUi-target")
    assert [each.get_attribute("disabled") for each in (momentum, batches)] == ["true", "true"]
    surface, rule = page.locator(".jp-OutputArea select").all()
    surface.select_option("regression on real data")
    rule.select_option("momentum")
    page.wait_for_selector(".jp-OutputArea-output img[alt*='steps of momentum']")
    keep_picture(page)
    assert [each.get_attribute("disabled") for each in (momentum, batches)] == [None, None]
    batches.locator(HANDLE).focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".jp-OutputArea-output img[alt*='on batches of 256']")
