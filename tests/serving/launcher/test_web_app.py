"""Web apps of one's own: started, found, stopped, and their errors."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
import requests

from deployworkbook.serving.launcher.running import StartError
from deployworkbook.serving.launcher.web_app import start_web_app
from deployworkbook.workspace.folder import current_workspace
from tests.waiting import wait_until

# Answers with its arguments; the standard library alone, to start in a moment.
CODE = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = " ".join(sys.argv[2:]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def get(address):
    session = requests.Session()
    session.trust_env = False
    return session.get(address, timeout=30).text


def test_it_runs_with_its_arguments_until_the_block_ends():
    with start_web_app(CODE, "one", Path("two")) as app:
        assert app.is_running()
        assert get(app.address) == "one two"
        assert "running" in repr(app)
        assert app.log_path.parent == current_workspace().logs
        # Ctrl-C in a lesson goes to the lesson's process group.
        assert os.getpgid(app.pid) == app.pid
        program, port, *rest = app.command[1:]
        assert Path(program).read_text() == CODE
        assert app.address.endswith(f":{port}")
        assert rest == ["one", "two"]
    assert not app.is_running()
    app.stop()  # again, which does nothing
    assert "ended" in repr(app)


def test_two_get_different_ports():
    with start_web_app(CODE, "a") as first, start_web_app(CODE, "b") as second:
        assert [get(each.address) for each in (first, second)] == ["a", "b"]


def test_one_that_ends_early_is_quoted():
    with pytest.raises(StartError, match=r"exit code 3.*\n.*no model here"):
        start_web_app("import sys\nprint('no model here')\nsys.exit(3)")


def test_one_that_never_listens_is_killed(tmp_path):
    with pytest.raises(StartError, match=r"within 0\.2 s") as raised:
        start_web_app("import time\ntime.sleep(600)", log_directory=tmp_path, ready_timeout_s=0.2)
    (program,) = tmp_path.glob("*.py")
    assert str(program) in str(raised.value)
    assert not [
        each
        for each in psutil.process_iter(["cmdline"])
        if str(program) in (each.info["cmdline"] or [])
    ]


def test_it_ends_with_the_process_that_started_it(tmp_path):
    script = f"""
    import time
    from deployworkbook.serving.launcher.web_app import start_web_app
    app = start_web_app({CODE!r}, log_directory={str(tmp_path)!r})
    print(app.pid, flush=True)
    time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        process_id = int(re.search(r"\d+", parent.stdout.readline())[0])
        assert psutil.pid_exists(process_id)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not _runs(process_id), "the web app to end")


def _runs(process_id):
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("code", [None, Path("app.py")])
def test_code_that_is_no_text_is_refused(code):
    with pytest.raises(TypeError, match="text of a Python program"):
        start_web_app(code)
