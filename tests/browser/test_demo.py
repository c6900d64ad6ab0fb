"""The page to try models with, driven by Selenium: it works, and shows each planted fault."""

import re
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from deployworkbook.serving.embedded.demo import PATH
from tests.serving.planted import FAULTS, LATENCY_MS
from tests.serving.planted import planted as planted

INSTALL = "apt-get install chromium chromium-driver"
PICTURES = Path(__file__).parents[2] / "test-output"
WAIT_S = 60
PHONE_PX = 320


# All that an answer shows; a question of Selenium's own for each would take ten times as long.
READ = """
const text = (selector) => document.querySelector(selector).innerText;
const rows = [...document.querySelectorAll('#scores tr')].map((row) => row.innerText);
return [text('#digit'), text('#details'), rows];
"""
ANSWERED = """
const shown = (each) => each.checkVisibility() && each.innerText;
return document.body.getAttribute('aria-busy') === 'false'
  && [...document.querySelectorAll('#digit, #problem')].some(shown);
"""


@dataclass(frozen=True)
class Answer:
    """What the page shows for a digit; shares in per cent."""

    digit: str
    shares: tuple[float, ...]
    version: str
    milliseconds: int


class Page:
    """The page in a browser."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, address):
        self.driver.get(address + PATH)
        return self

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self):
        """Wait until an answer is shown, or a problem."""
        WebDriverWait(self.driver, WAIT_S, 0.02).until(lambda _: self.script(ANSWERED))

    def choose(self, digit):
        self.all("fieldset button")[digit].click()
        self.wait()
        return self.answer()

    def answer(self):
        digit, details, rows = self.script(READ)
        version, milliseconds = re.search(r"version (\d+), (\d+) ms", details).groups()
        shares = tuple(float(row.split()[1]) for row in rows)
        return Answer(digit, shares, version, int(milliseconds))

    def choose_all(self, digits=range(10)):
        return [self.choose(digit) for digit in digits]

    def script(self, text, *given):
        return self.driver.execute_script(text, *given)


@pytest.fixture(scope="module")
def driver(missing):
    chromedriver = shutil.which("chromedriver")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromedriver is None or chromium is None:
        missing(f"Chromium with its driver: {INSTALL}")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture
def page(driver):
    driver.get_log("browser")
    yield Page(driver)
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture(scope="module")
def approved(driver, planted):
    """What the page showed at the release."""
    return Page(driver).open(planted["sound"]).choose_all()


def differences(found, approved, *, budget_ms=60_000):
    """What differs from the release, as somebody who looks at the page would notice it."""
    pairs = list(zip(found, approved, strict=True))
    kinds = {
        "digit": any(a.digit != b.digit for a, b in pairs),
        "shares": any(
            abs(x - y) > 1 for a, b in pairs for x, y in zip(a.shares, b.shares, strict=True)
        ),
        "version": any(a.version != b.version for a, b in pairs),
        "time": statistics.median(a.milliseconds for a in found) > budget_ms,
    }
    return {kind for kind, differs in kinds.items() if differs}


def test_a_sound_server_shows_what_it_showed_at_the_release(page, planted, approved):
    assert differences(page.open(planted["sound"]).choose_all(), approved) == set()
    assert {answer.version for answer in approved} == {"2"}
    # JavaScript writes whole numbers without a point.
    assert all(answer.digit in "0123456789" for answer in approved)
    assert page.driver.get_log("browser") == []


@pytest.mark.parametrize("fault", FAULTS)
def test_the_page_shows_each_fault(page, planted, approved, fault):
    # Only the slow server is timed: how long a busy machine takes is no part of the other tests.
    slow = fault == "slow server"
    budget, digits = ({"budget_ms": LATENCY_MS}, range(3)) if slow else ({}, range(10))
    shown = page.open(planted[fault]).choose_all(digits)
    found = differences(shown, approved[: len(digits)], **budget)
    expected = {"slow server": {"time"}, "stale version": {"version"}}.get(fault)
    if expected is None:  # another digit for some, too
        assert {"shares"} <= found <= {"shares", "digit"}
    else:
        assert found == expected


def test_a_drawn_digit_is_read(page, planted):
    page.open(planted["sound"])
    pad = page.find("#pad")
    actions = webdriver.ActionChains(page.driver, duration=20)
    actions.move_to_element_with_offset(pad, 10, -100).click_and_hold()
    for place in range(-90, 110, 20):
        actions.move_to_element_with_offset(pad, -place // 10, place)
    actions.release().perform()
    page.wait()
    answer = page.answer()
    assert abs(sum(answer.shares) - 100) <= 0.5
    # The one that is shown large has the largest share.
    assert answer.shares[int(answer.digit)] == max(answer.shares)
    sent = page.script(
        "const s = document.querySelector('#seen');"
        "return [...s.getContext('2d').getImageData(0, 0, s.width, s.height).data]"
    )[::4]
    assert len(sent) == 28 * 28
    # A line from top to bottom: 20 pixels high, as MNIST's digits are, and in the middle.
    rows = [row for row in range(28) if any(sent[28 * row : 28 * row + 28])]
    assert 19 <= len(rows) <= 22
    assert abs((rows[0] + rows[-1]) / 2 - 13.5) <= 1.5
    page.find("#clear").click()
    assert page.find("#digit").text == ""


def test_a_server_that_is_gone_is_reported(page, planted):
    page.open(planted["sound"])
    page.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        page.all("fieldset button")[3].click()
        page.wait()
        assert "Is it running?" in page.find("#problem").text
        assert page.find("#problem").aria_role == "alert"
    finally:
        online = offline | {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", online)


def test_each_control_has_a_name_and_a_place_in_the_order_of_keys(page, planted):
    page.open(planted["sound"])
    names = [button.accessible_name for button in page.all("button")]
    assert names == [*map(str, range(10)), "Clear"]
    assert page.find("#pad").accessible_name
    assert page.find("html").get_attribute("lang") == "en"
    # By keys alone.
    button = page.all("fieldset button")[7]
    page.script("arguments[0].focus()", button)
    button.send_keys("\ue007")
    page.wait()
    assert page.answer().digit
    labels = [meter.accessible_name for meter in page.all("meter")]
    assert [label.split(":")[0] for label in labels] == list("0123456789")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_in_dark(page, planted, scheme):
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": PHONE_PX, "height": 700, "deviceScaleFactor": 1, "mobile": True},
    )
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    page.open(planted["sound"]).choose(3)
    assert page.script("return document.documentElement.scrollWidth") <= PHONE_PX
    assert min(button.size["height"] for button in page.all("button")) >= 44
    color = page.script("return getComputedStyle(document.body).color")
    assert color == ("rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")
    PICTURES.mkdir(exist_ok=True)
    page.driver.save_screenshot(str(PICTURES / f"demo-{scheme}.png"))


def test_it_asks_its_own_server_only_and_the_browser_refuses_more(page, planted):
    address = planted["sound"]
    page.open(address).choose(1)
    asked = page.script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert asked
    assert all(url.startswith((address, "data:")) for url in asked)
    refused = page.driver.execute_async_script(
        "const [other, done] = arguments;"
        "const script = document.createElement('script'); script.textContent = 'window.harm = 1';"
        "document.body.append(script);"
        "fetch(other).then(() => done('sent'), () => done(window.harm ?? 'refused'))",
        planted["stale version"],
    )
    assert refused == "refused"
    assert requests.get(address + PATH, timeout=30).headers["X-Content-Type-Options"] == "nosniff"
