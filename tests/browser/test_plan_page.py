"""The plan as it is handed on: one page and an annex in print, and nothing cut on a phone."""

import re

import pytest

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.plan.making import make_plan
from deployworkbook.costs.plan.text import plan_as_html

PHONE = {"width": 375, "height": 800}


@pytest.fixture(scope="module", params=["one region", "all there is", "on boards"])
def url(request, tmp_path_factory):
    """A plan with all of its sections."""
    forms = [
        Profile("float32", "savedmodel", 0.45, 1.0, 0.9769, 431_000, 390_000, 670e6),
        Profile("int8-dynamic", "litert", 0.004, 0.1, 0.9769, 105_920, 92_879, 49e6),
        Profile("int2", "litert", 0.004, 0.1, 0.379, 30_000, 8000, 49e6),
    ]
    work = Workload(2000.0, daily_shape=OFFICE_DAY, growth_share_per_month=0.03)
    all_there_is = Deployment(forms[0], regions=3, spot_share=0.5, autoscaling=True)
    more = {
        "one region": {},
        "all there is": {"like": all_there_is},
        "on boards": {"devices": 200, "machines": ["raspberry-pi-5-4gb"]},
    }[request.param]
    advice = advise(work, forms, accuracy_share=0.9719, memory_bytes=1e9, **more)
    where = "AMD EPYC, 2 cores, 24 GiB, Linux x86_64; data set mnist"
    page = tmp_path_factory.mktemp("plan") / "deployment_plan.html"
    page.write_text(plan_as_html(make_plan(advice, measured_on=where)), encoding="utf-8")
    return page.as_uri()


def test_it_prints_on_one_page_and_an_annex_of_assumptions(url, open_page, keep_picture):
    page = open_page(url, offline=True)
    keep_picture(page, full_page=True)
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2


def test_on_a_phone_nothing_but_a_table_is_wider_than_the_screen(url, open_page, keep_picture):
    page = open_page(url, offline=True, viewport=PHONE)
    keep_picture(page, full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
