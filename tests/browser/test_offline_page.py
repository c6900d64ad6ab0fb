"""The pages of the lessons in a real browser, without a network."""

import pytest

from deployworkbook.execution.page import write_page
from deployworkbook.lessons import catalogue

LESSONS = catalogue()
PHONE = {"width": 375, "height": 800}
DESKTOP = {"width": 1200, "height": 900}


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.name)
def url(request, run_fast):
    """The page of a lesson that was run fast."""
    _, folder = run_fast(request.param)
    page = folder / f"{request.param.name}.html"
    write_page(folder / request.param.path.name, page)
    return page.as_uri()


def test_it_asks_for_nothing_but_itself(url, open_page, keep_picture):
    page = open_page(url, offline=True, viewport=DESKTOP)
    keep_picture(page, full_page=True)
    others = [each for each in page.requests if not each.startswith("data:")]
    assert others == [url]


def test_formulas_and_pictures_are_seen(url, open_page):
    page = open_page(url, offline=True, viewport=DESKTOP)
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read(url, open_page, keep_picture, scheme):
    page = open_page(url, offline=True, viewport=PHONE, color_scheme=scheme)
    keep_picture(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ink, paper = page.evaluate(
        "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
    )
    # 7:1 is what WCAG 2 asks for at its highest level.
    assert contrast(ink, paper) >= 7
    assert float(page.evaluate("getComputedStyle(document.body).fontSize")[:-2]) >= 16


def contrast(first, second):
    """The ratio of WCAG 2: (L1 + 0.05) / (L2 + 0.05), by relative luminance."""
    lighter, darker = sorted(map(luminance, (first, second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
