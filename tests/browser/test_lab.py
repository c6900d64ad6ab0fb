"""JupyterLab as ``deployworkbook lab`` starts it, in a real browser."""

import signal
import subprocess
import sys
import time

import psutil
import pytest
import requests

from deployworkbook.exercises.progress import record
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.lab import options
from deployworkbook.workspace.folder import Workspace

START_S = 60


def test_it_opens_on_the_list_of_lessons_which_the_keyboard_leads_on_from(
    lab, open_page, keep_picture
):
    workspace = Workspace(lab.folder)
    # Other tests have left their windows; without them it is the first session.
    for layout in (workspace.records / "lab" / "workspaces").iterdir():
        layout.unlink()
    options(workspace, port=None, open_browser=False)
    page = open_page(lab.url, viewport={"width": 1280, "height": 720})
    page.wait_for_selector(".jp-RenderedMarkdown progress")
    keep_picture(page)
    assert not page.locator("#jp-left-stack").is_visible()
    assert page.locator(".Toastify__toast").count() == 0
    assert (lab.folder / "04_training.ipynb").exists()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    lab.wait_until_idle(page)
    assert page.locator("h1", has_text="00 Start here").first.is_visible()
    assert page.locator(".jp-NotebookPanel-toolbar").inner_text().count("(deployworkbook)") == 1
    record(next(iter(EXERCISES)), solved=True, answer_key="right", workspace=workspace)
    page.keyboard.press("Control+Shift+[")
    # Solved since the list was opened.
    page.get_by_text("You have solved 1 of").wait_for()


def test_cells_run_in_this_interpreter_and_know_their_folder(lab):
    """Without a page, which adds nothing to it but seconds."""
    lab.write("mine.ipynb", "")
    said = lab.run(
        lab.start_kernel("mine.ipynb"),
        "import sys\n"
        "from deployworkbook.workspace import current_workspace\n"
        "print(sys.executable, current_workspace().root)",
    )
    assert said.strip() == f"{sys.executable} {lab.folder}"


def test_it_listens_on_this_machine_only_and_asks_for_its_token(lab):
    process, places = psutil.Process(lab.process.pid), set()
    for _ in range(50):  # Linux's table of sockets may miss one while others come and go
        sockets = process.net_connections()
        places |= {(s.laddr.ip, s.laddr.port) for s in sockets if s.status == psutil.CONN_LISTEN}
        if lab.port in {port for _, port in places}:
            break
        time.sleep(0.1)
    assert [ip for ip, port in places if port == lab.port] == ["127.0.0.1"]
    assert "/login" in requests.get(lab.url.partition("?")[0], timeout=START_S).url


def test_it_says_where_things_are_and_nothing_else(lab):
    lines = [line for line in lab.said.splitlines() if line.strip()]
    assert lines[0] == f"Your lessons are in {lab.folder}."
    assert len(lines) <= 6, lab.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_kernels(own_lab, number):
    own_lab.start_kernel("00_start_here.ipynb")
    processes = psutil.Process(own_lab.process.pid).children(recursive=True)
    assert processes
    own_lab.process.send_signal(number)
    own_lab.process.wait(30)
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive


def test_a_taken_port_is_an_error_with_a_remedy(lab, tmp_path):
    command = [sys.executable, "-m", "deployworkbook", "lab", str(tmp_path / "second")]
    done = subprocess.run(
        [*command, "--no-browser", "--port", str(lab.port)],
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert done.returncode == 1
    assert f"Port {lab.port} can't be used" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "second" / "00_start_here.ipynb").exists()
