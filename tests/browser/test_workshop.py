"""A workshop in JupyterLab: a build that is under way is followed, and ended."""

import pytest

# Each step is short and there are far more than a test waits for.
SOURCE = """
import time
from deployworkbook.compression.progress import BuildPart
from deployworkbook.plots.budget import Budget, FrontierPoint
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.workshop import Workshop

def make(progress, epochs):
    print("building", epochs)
    part = BuildPart("prune97", "Prune", 1000 * epochs, epochs)
    progress.plan([part])
    progress.begin(part)
    for _ in range(part.steps if epochs > 1 else 0):
        time.sleep(0.02)
        progress.update()
    return FrontierPoint(f"prune97-e{epochs}", 6000, 0.975, 3.0)

controls = [Slider("epochs", "epochs", 1, 40, 1, 40)]
start = FrontierPoint("float32", 380_000, 0.977, 5.0)
workshop = Workshop(controls, make, points=[start], budget=Budget(7000, 0.97))
"""
STATUS = ".jp-OutputArea-output p[role=status]"


@pytest.fixture
def page(lab, open_page):
    page = open_page(
        lab.write("workshop.ipynb", SOURCE, "workshop"), viewport={"width": 1300, "height": 950}
    )
    lab.wait_until_idle(page)
    lab.run_all(page)
    page.get_by_role("button", name="Build and measure").wait_for()
    return page


def test_a_build_shows_its_time_left_and_ends_by_cancel_and_by_interrupt(page, keep_picture):
    build = page.get_by_role("button", name="Build and measure")
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    for number, end in enumerate((cancel.click, lambda: interrupt(page))):
        build.click()
        page.get_by_text("left, plus").wait_for()
        assert build.is_disabled()
        keep_picture(page, f"-building-{number}")
        end()
        page.locator(STATUS, has_text="Cancelled after").wait_for()
        keep_picture(page, f"-cancelled-{number}")
        assert cancel.is_disabled()
        assert page.locator("th", has_text="prune97").count() == 0
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("Home")
    build.click()
    page.locator("th", has_text="2 prune97-e1").wait_for()
    keep_picture(page, "-done")
    # What a build prints is in the workshop's own cell, not in the log console.
    assert page.locator(".jp-OutputArea-output", has_text="building 1").count() == 1


def interrupt(page):
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Interrupt Kernel").click()
