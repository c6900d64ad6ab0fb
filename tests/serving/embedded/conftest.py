"""What tests of the embedded server share."""

import psutil
import pytest

from tests.serving.embedded.processes import Process


@pytest.fixture
def process(tmp_path):
    """Start servers with flags, and end them, with their workers, after the test."""
    started = []

    def begin(*flags):
        started.append(Process(tmp_path / f"log-{len(started)}", *flags))
        return started[-1]

    yield begin
    for each in started:
        for child in psutil.Process(each.popen.pid).children() if each.popen.poll() is None else ():
            child.kill()
        each.popen.kill()
        each.popen.wait()
