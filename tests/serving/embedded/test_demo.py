"""The page to try models with: offered on request only, and confined by its policy."""

import re
from urllib.parse import urlsplit

import pytest
import requests

from deployworkbook.serving.embedded.demo import PATH, demo_page
from deployworkbook.serving.embedded.flags import Options, complaint
from deployworkbook.serving.embedded.heads import Heads
from tests.serving.conftest import AWKWARD_NAME


@pytest.fixture(scope="module")
def shown(start, half):
    return start(model_base_path=half, model_name="half", demo=True, port=0)


def test_the_page_is_there_only_on_request(server, shown):
    assert requests.get(server.address + PATH, timeout=30).status_code == 404
    page = requests.get(shown.address + PATH, timeout=30)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<option>half</option>" in page.text
    assert requests.post(shown.address + PATH, json={}, timeout=30).status_code == 404


def test_the_rest_of_the_api_is_as_without_it(shown):
    assert shown.post("half:predict", {"instances": [2.0]}).json() == {"predictions": [3.0]}
    assert requests.get(f"{shown.address}/", timeout=30).status_code == 404


def test_the_policy_allows_the_pages_own_parts_and_no_other_server():
    policy = demo_page([]).headers["content-security-policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["frame-ancestors"] == parts["form-action"] == "'none'"
    assert parts["connect-src"] == "'self'"
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", parts["script-src"])
    assert "unsafe" not in policy


def test_the_page_names_no_address_and_stays_small():
    body = demo_page(["m"]).body
    assert len(body) < 16 * 1024
    assert not [urlsplit(found) for found in re.findall(r"https?://[^\"'\s]+", body.decode())]
    # Attributes that the policy wouldn't allow.
    assert not re.search(r"\s(style|on\w+)=", body.decode())


def test_names_of_models_are_escaped():
    assert b"<option>&lt;script&gt;</option>" in demo_page(["<script>"]).body
    assert AWKWARD_NAME.encode() in demo_page([AWKWARD_NAME]).body


def test_the_page_needs_the_rest_port():
    assert "--rest_api_port" in complaint(Options(model_base_path="/m", demo=True))


def test_requests_for_the_page_never_take_the_short_way():
    line = f"GET {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    assert Heads(16384).read(line.encode()) is None
