"""A real browser, and pages that must not reach the network."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
import requests
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import sync_playwright
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from deployworkbook.jupyter.lesson_list import LESSON_LIST
from tests.waiting import wait_until

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PICTURES = Path(__file__).parents[2] / "test-output"
# How often a page is asked whether it is ready. By default that is at every frame, and Chromium
# would draw frames for nothing else.
POLLING_MS = 100


def pytest_collection_modifyitems(items):
    folder = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(folder):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium(missing):
    """Chromium without a window.

    Not for the whole session: Playwright keeps an event loop running in this thread for as long.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing("Chromium or Google Chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def pages(chromium):
    """Give what opens pages; at the end, no console may have shown an error."""
    complaints, contexts = [], []

    def complain_of_request(request):
        if request.failure != "net::ERR_ABORTED":  # the page itself was left
            complaints.append(f"{request.failure}: {request.url}")

    def open_one(url, *, offline=False, **options):
        context = chromium.new_context(**options)
        context.set_default_timeout(60_000)  # a busy machine is not a failure
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
def open_page(chromium):
    """Open pages of one test."""
    with pages(chromium) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def open_shared_page(chromium):
    """Open pages that all tests of a module use."""
    with pages(chromium) as open_one:
        yield open_one


@pytest.fixture
def keep_picture(request):
    """Keep a screenshot under the test's name, for people to look at."""

    def keep(page, suffix="", **options):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{request.node.name}{suffix}.png", **options)

    return keep


START_S = 60


class Lab:
    """A running lab: its address, its token, its process."""

    def __init__(self, process, port, folder, said):
        self.process = process
        self.port = port
        self.folder = folder
        self.said = said
        self.url = re.search(r"http://127\.0\.0\.1:\d+/\S+", said)[0]

    def notebook(self, name):
        """The address of a notebook in the lab's folder, without those opened before."""
        return self.url.replace(LESSON_LIST, name) + "&reset"

    def write(self, name, *sources):
        """Write a notebook of code cells into the lab's folder; return its address."""
        kernel = {"name": "python3", "display_name": "Some Python", "language": "python"}
        cells = [new_code_cell(source) for source in sources]
        notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, self.folder / name)
        return self.notebook(name)

    def ask(self, method, path, **given):
        """Ask the server by its own interface; return its answer."""
        answer = requests.request(
            method,
            f"http://127.0.0.1:{self.port}/api/{path}",
            headers={"Authorization": f"token {self.url.partition('token=')[2]}"},
            timeout=60,
            **given,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def start_kernel(self, name):
        """Start a notebook's kernel, as a page does that opens it; return the kernel's ID."""
        session = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        return self.ask("POST", "sessions", json=session)["kernel"]["id"]

    def run(self, kernel, code):
        """Run code in a kernel, over the connection that a page has; return what it prints."""
        headers = {"Authorization": f"token {self.url.partition('token=')[2]}"}
        address = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels"
        request = {
            "channel": "shell",
            "header": {"msg_id": "1", "msg_type": "execute_request", "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code},
        }

        async def ask():
            connection = await websocket_connect(HTTPRequest(address, headers=headers))
            await connection.write_message(json.dumps(request))
            said = ""
            while message := json.loads(await connection.read_message()):
                mine = message["parent_header"].get("msg_id") == "1"
                if mine and message["msg_type"] == "stream":
                    said += message["content"]["text"]
                if mine and message["msg_type"] == "execute_reply":
                    break
            connection.close()
            return said

        # Playwright keeps an event loop running in this thread.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, ask()).result(START_S)

    def sessions(self):
        """Return the IDs of notebooks' sessions, each of which has a kernel."""
        return {session["id"] for session in self.ask("GET", "sessions")}

    def end_kernels(self, *, but=frozenset()):
        """Shut down all kernels but those of some sessions."""
        for session in self.sessions() - but:
            self.ask("DELETE", f"sessions/{session}")

    @staticmethod
    def wait_until_idle(page):
        """Wait until the notebook is shown and its kernel has nothing to do."""
        page.wait_for_selector(".jp-Notebook")
        page.wait_for_function(
            "document.querySelector('#jp-main-statusbar').innerText.includes('Idle')",
            polling=POLLING_MS,
        )

    @staticmethod
    def run_all(page):
        """Run all cells, as a learner does by the menu."""
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def start_lab():
    """Start a lab on a new folder; give it, and end it with the block."""

    @contextmanager
    def start(folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "deployworkbook", "lab", str(folder / "learner")]
        process = subprocess.Popen(
            [*command, "--no-browser", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "HOME": str(folder)},
        )
        said = ""
        for line in process.stdout:
            said += line
            if "token=" in line:
                break
        assert "token=" in said, said
        wait_until(lambda: listens(port), "the lab")  # it says where before it is there
        yield Lab(process, port, folder / "learner", said)
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=START_S)

    return start


@pytest.fixture(scope="session")
def shared_lab(start_lab, tmp_path_factory):
    with start_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def lab(shared_lab):
    """A lab that tests share: each writes notebooks of other names, and leaves no kernel."""
    before = shared_lab.sessions()
    yield shared_lab
    shared_lab.end_kernels(but=before)


@pytest.fixture
def own_lab(start_lab, tmp_path):
    """A lab for a test that ends it."""
    with start_lab(tmp_path) as running:
        yield running
