"""A real browser, and pages that must not reach the network."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PICTURES = Path(__file__).parents[2] / "test-output"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium(missing):
    """Chromium without a window."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing("Chromium or Google Chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open pages; at the end, no console may have shown an error."""
    complaints, contexts = [], []

    def complain_of_request(request):
        if request.failure != "net::ERR_ABORTED":  # the page itself was left
            complaints.append(f"{request.failure}: {request.url}")

    def open_one(url, *, offline=False, **options):
        context = chromium.new_context(**options)
        context.set_default_timeout(30_000)
        context.set_offline(offline)
        contexts.append(context)
        page = context.new_page()
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("requestfailed", complain_of_request)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def keep_picture(request):
    """Keep a screenshot under the test's name, for people to look at."""

    def keep(page, suffix="", **options):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{request.node.name}{suffix}.png", **options)

    return keep
