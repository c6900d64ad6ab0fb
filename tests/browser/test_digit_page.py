"""The page that reads a drawn digit by itself: by mouse and finger, without a network."""

import html
import re

import numpy as np
import pytest

from deployworkbook.compression.litert_quantization import calibration_images, quantize
from deployworkbook.edge.digit_page.exporting import export_page
from deployworkbook.edge.exporting import export_c, write_project
from deployworkbook.edge.network import Network
from deployworkbook.edge.planning import plan
from deployworkbook.edge.stored_layers import StoredLayer
from deployworkbook.training.fit import baseline

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 720}
LARGEST_BYTES = 400_000
HIDDEN = 60

SEEN = """
() => {
  const seen = document.querySelector('#seen');
  return [...seen.getContext('2d').getImageData(0, 0, seen.width, seen.height).data]
    .filter((_, n) => n % 4 === 0);
}
"""


def trained(digits):
    """Neurons that look at random pixels, and a least-squares layer after them, in 4 bits."""
    random = np.random.default_rng(0)
    images = digits.train.images.reshape(len(digits.train.images), -1).astype(np.float64)
    first = random.integers(-7, 8, (784, HIDDEN)) * (random.random((784, HIDDEN)) < 0.1)
    values = np.maximum(images @ first * 0.05, 0)
    wanted = np.eye(10)[digits.train.labels]
    second = np.linalg.lstsq(values.T @ values + np.eye(HIDDEN), values.T @ wanted, rcond=None)[0]
    step = np.abs(second).max() / 7
    layers = [(first, 0.05), (np.round(second / step), step)]
    return Network(
        tuple(
            StoredLayer(
                integers.astype(np.int8),
                np.zeros(integers.shape[1], np.float32),
                np.array([scale], np.float32),
            )
            for integers, scale in layers
        )
    )


@pytest.fixture(scope="module")
def network(digits):
    return trained(digits)


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    """The page's address, and the model in it as NumPy computes it."""
    folder = tmp_path_factory.mktemp("page")
    program = plan(network)
    project = write_project(program, "digits", folder / "c")
    return export_page(project, folder / "digits.html"), project, program


@pytest.fixture
def opened(exported, open_page):
    """Open the page without a network, at a window's size."""

    def run(**options):
        path, *_ = exported
        return open_page(path.as_uri(), offline=True, **({"viewport": DESKTOP} | options))

    return run


def wait(page):
    page.wait_for_function(
        "document.body.getAttribute('aria-busy') === 'false'"
        " && document.querySelector('#digit').value !== ''"
    )


def draw(page, *points):
    """Draw a line by mouse; points in shares of the drawing area."""
    box = page.locator("#pad").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    wait(page)


def check(page, exported):
    """What the page shows is what NumPy computes from the pixels that the page shows."""
    _, project, program = exported
    pixels = np.array(page.evaluate(SEEN), np.uint8).reshape(1, 784)
    scores = program.scores(pixels)
    assert page.locator("#digit").inner_text() == str(scores.argmax())
    shown = [row.inner_text().split()[1] for row in page.locator("#scores tr").all()]
    expected = 100 * project.probabilities(scores)[0]
    np.testing.assert_allclose(np.array(shown, float), expected, atol=0.051)
    return pixels.reshape(28, 28)


def test_a_digit_drawn_by_mouse_is_read_without_a_network(exported, opened, keep_picture):
    assert exported[0].stat().st_size < LARGEST_BYTES
    page = opened()
    draw(page, (0.3, 0.2), (0.7, 0.2), (0.45, 0.85))
    keep_picture(page)
    pixels = check(page, exported)
    # As MNIST's digits: 20 pixels high.
    rows = np.flatnonzero(pixels.any(axis=1))
    assert 19 <= rows[-1] - rows[0] + 1 <= 22
    assert re.search(r"sure, \d+ µs, no server", page.locator("#details").inner_text())
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#digit").inner_text() == ""
    assert [each for each in page.requests if not each.startswith("data:")] == [page.url]


def test_each_digit_on_a_button_is_answered(exported, opened):
    page = opened()
    for digit in range(10):
        page.get_by_role("button", name=str(digit), exact=True).click()
        wait(page)
        check(page, exported)


def test_a_finger_draws_too(exported, opened):
    page = opened(viewport=PHONE, has_touch=True, is_mobile=True)
    box = page.locator("#pad").bounding_box()
    touch = page.context.new_cdp_session(page)
    places = [
        (box["x"] + 0.5 * box["width"], box["y"] + y * box["height"]) for y in (0.2, 0.5, 0.8)
    ]
    for kind, points in (
        ("touchStart", places[:1]),
        *(("touchMove", [place]) for place in places),
        ("touchEnd", []),
    ):
        given = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})
    wait(page)
    check(page, exported)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_in_dark(opened, keep_picture, scheme):
    page = opened(viewport=PHONE, color_scheme=scheme)
    page.get_by_role("button", name="3", exact=True).click()
    wait(page)
    keep_picture(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    color = page.evaluate("getComputedStyle(document.body).color")
    assert color == ("rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")


@pytest.mark.mnist
def test_a_model_trained_on_mnist_reads_what_is_drawn(
    mnist, mnist_workspace, tmp_path, open_page, keep_picture
):
    model = baseline(mnist, folder=mnist_workspace.models).model
    variant = quantize(model, "int8-full", images=calibration_images(mnist.train))
    path = export_page(export_c(variant, tmp_path / "c"), tmp_path / "digits.html")
    assert path.stat().st_size < LARGEST_BYTES
    page = open_page(path.as_uri(), offline=True, viewport=DESKTOP)
    read = []
    for points in (
        [(0.52, 0.15), (0.48, 0.85)],
        [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)],
        [(0.5, 0.15), (0.3, 0.35), (0.3, 0.65), (0.5, 0.85), (0.7, 0.65), (0.7, 0.35), (0.5, 0.15)],
    ):
        page.get_by_role("button", name="Clear").click()
        draw(page, *points)
        read.append(page.locator("#digit").inner_text())
    keep_picture(page)
    assert read == ["1", "7", "0"]


def test_its_policy_forbids_all_else(exported):
    path, *_ = exported
    (policy,) = re.findall(
        r'http-equiv="Content-Security-Policy" content="(.*?)"', path.read_text()
    )
    parts = dict(part.strip().split(" ", 1) for part in html.unescape(policy).split(";"))
    assert parts["default-src"] == "'none'"
    assert "connect-src" not in parts
    assert re.fullmatch(r"'sha256-[\w+/=]{44}' 'wasm-unsafe-eval'", parts["script-src"])
