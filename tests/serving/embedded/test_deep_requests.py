"""Requests that are valid up to a field or two: each is answered, and valid ones are right.

``DEPLOYWORKBOOK_FUZZ=50000 pytest -s tests/serving/embedded/test_deep_requests.py`` sends that many
to a server's process of its own, at random, and says how its memory was before and after.
"""

import collections
import os
import statistics
import subprocess
import sys
import time

import grpc
import psutil
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployworkbook.serving.embedded.flags import Options
from tests.serving import models
from tests.serving.conftest import ADDRESS, Running, free_port, predict_request, write
from tests.serving.embedded import deep_requests

WANTED = int(os.environ.get("DEPLOYWORKBOOK_FUZZ", "0"))
# Tens of thousands take as long as they take.
pytestmark = pytest.mark.timeout(0 if WANTED else 600)
SECONDS = 20  # for one answer, many times what it takes
CODES = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED"}
STATUSES = {200, 400, 404, 429, 501}
EXAMPLES = settings(
    max_examples=WANTED // 10 or 40,
    deadline=None,
    derandomize=not WANTED,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


class Watched:
    """A server, what it answered so far, and the memory of its process."""

    def __init__(self, server, process=None):
        self.server, self.process = server, process
        self.answers = collections.Counter()
        self.changes = collections.Counter()
        self.rss = []
        self.session = requests.Session()
        self.session.trust_env = False

    def count(self, changes, answer):
        self.changes[changes] += 1
        self.answers[answer] += 1
        total = self.changes.total()
        if self.process and total % max(1, WANTED // 20) == 0:
            self.rss.append(self.process.memory_info().rss)


@pytest.fixture(scope="module")
def watched(request, tmp_path_factory):
    if not WANTED:
        yield Watched(request.getfixturevalue("server"))
        return
    folder = tmp_path_factory.mktemp("fuzz")
    models.half_plus_two(folder / "half/123")
    models.types(folder / "types/1")
    config = write(
        folder / "models.config",
        f"""model_config_list {{
          config {{ name: "half" base_path: "{folder}/half" model_platform: "tensorflow"
                    version_labels {{ key: "stable" value: 123 }} }}
          config {{ name: "types" base_path: "{folder}/types" model_platform: "tensorflow" }} }}""",
    )
    ports = {"port": free_port(), "rest_api_port": free_port()}
    flags = [f"--{name}={value}" for name, value in ports.items()]
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "deployworkbook", "serve", f"--model_config_file={config}", *flags],
        stderr=log,
    )
    try:
        channel = grpc.insecure_channel(
            f"{ADDRESS}:{ports['port']}", [("grpc.max_receive_message_length", -1)]
        )
        grpc.channel_ready_future(channel).result(timeout=120)
        watch = Watched(Running(Options(**ports), channel), psutil.Process(process.pid))
        started = time.monotonic()
        yield watch
        seconds = time.monotonic() - started
        assert process.poll() is None, (folder / "log").read_text()
        print(f"\n{watch.changes.total()} requests in {seconds:.0f} s; fields changed:",
              dict(sorted(watch.changes.items())))  # fmt: skip
        print("answers:", dict(watch.answers.most_common()))
        print("memory, MB, at each twentieth:", [round(rss / 1e6) for rss in watch.rss])
        said = (folder / "log").read_text()
        print(f"log: {len(said.splitlines())} lines, {said.count('Traceback')} tracebacks")
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def is_of_a_limit(error):
    """Whether the server refused for want of memory that a flag allows, and named the flag."""
    return error.code().name == "RESOURCE_EXHAUSTED" and "--max_" in error.details()


def check_calls(watched, drawn):
    for call, changes in drawn:
        try:
            answer = watched.server.call(
                call.service, call.method, call.message, call.answer, timeout=SECONDS
            )
            code = "OK"
        except grpc.RpcError as error:
            answer, code = error, error.code().name
        watched.count(changes, code)
        assert code in CODES or is_of_a_limit(answer), (call, answer)
        if call.right:
            assert code == "OK", answer
            call.right(answer)


def check_posts(watched, drawn):
    for post, changes in drawn:
        address = f"{watched.server.address}/v1/models/{post.path}"
        answer = watched.session.post(address, data=post.body, timeout=SECONDS)
        watched.count(changes, answer.status_code)
        assert answer.status_code in STATUSES, (post, answer.text[:1000])
        document = answer.json()
        if answer.status_code != 200:
            assert document.keys() == {"error"}
        if post.right:
            assert answer.status_code == 200, answer.text
            post.right(document)


# Mixed, since each protocol settles in memory of its own: one after the other, the second would
# look like a leak.
@EXAMPLES
@given(
    st.tuples(st.just(check_calls), deep_requests.calls())
    | st.tuples(st.just(check_posts), deep_requests.posts())
)
def test_requests_that_are_almost_right_are_answered(watched, check_and_drawn):
    check, drawn = check_and_drawn
    check(watched, drawn)


def test_the_server_still_answers_rightly(watched):
    server = watched.server
    assert server.predict(predict_request()).outputs["y"].float_val == [3.0]
    assert server.post("half:predict", {"instances": [2.0]}).json() == {"predictions": [3.0]}
    # At least half of the requests were valid, or valid up to one field.
    if watched.changes:
        assert watched.changes[0] + watched.changes[1] >= watched.changes.total() / 2
    if watched.rss:
        third = len(watched.rss) // 3
        settled = statistics.median(watched.rss[third : 2 * third])
        # By medians: a large request that is being answered takes memory for a moment.
        assert statistics.median(watched.rss[2 * third :]) < settled * 1.02
