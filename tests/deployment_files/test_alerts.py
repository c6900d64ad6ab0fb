"""The alerts do what their unit tests say, and the tests notice when they don't."""

import shutil
import subprocess

import pytest
import yaml

from deployworkbook.deployment_files import alerts, monitoring, openvino_monitoring
from deployworkbook.deployment_files.texts import ALERTMANAGER


@pytest.fixture(scope="module")
def promtool(missing):
    program = shutil.which("promtool")
    if program is None:
        missing("promtool: Debian has it in the package prometheus")

    def test(folder, *names):
        done = subprocess.run(
            [program, "test", "rules", *names],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return test


def written(folder, watch):
    for path, text in alerts.files(watch).items():
        (folder / path.rpartition("/")[2]).write_text(text)
    return folder


def change_quick_rules(folder, old, new):
    """Replace a text, and leave out the windows of days, which take most of the time."""
    path = folder / "alerts.yaml"
    assert old in path.read_text()
    groups = yaml.safe_load(path.read_text().replace(old, new))["groups"][:2]
    path.write_text(yaml.safe_dump({"groups": groups}))


def test_the_alerts_pass_their_tests(promtool, tmp_path):
    folder = written(tmp_path, monitoring.WATCH)
    code, said = promtool(folder, "alerts_test.yaml", "alerts_slow_test.yaml")
    assert code == 0, said


def test_the_alerts_about_openvino_pass_their_tests(promtool, tmp_path):
    folder = written(tmp_path, openvino_monitoring.WATCH)
    change_quick_rules(folder, "", "")
    code, said = promtool(folder, "alerts_test.yaml")
    assert code == 0, said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # What misses a counter that appears with 1.
        pytest.param(" unless ", " and ", id="births"),
        pytest.param("> 0.0144", "> 0.0155", id="fast burn too late"),
        pytest.param("0.99,", "0.5,", id="the median instead of the p99"),
    ],
)
def test_the_tests_fail_with_a_fault_in_the_alerts(promtool, tmp_path, old, new):
    folder = written(tmp_path, monitoring.WATCH)
    change_quick_rules(folder, old, new)
    code, said = promtool(folder, "alerts_test.yaml")
    assert code != 0
    assert "FAILED" in said


def test_no_rule_asks_whether_a_counter_increased_without_counting_its_birth():
    for watch in (monitoring.WATCH, openvino_monitoring.WATCH):
        queries = [rule.query for group in alerts.groups(watch) for rule in group.rules]
        queries += [query for panel in watch.panels for query in panel.queries.values()]
        for query in queries:
            assert query.count("increase(") == query.count(" unless ")


def test_a_page_silences_the_ticket_and_a_lost_server_everything_else(files):
    content = yaml.safe_load(files[ALERTMANAGER])
    (receiver,) = content["receivers"]
    assert receiver["name"] == content["route"]["receiver"]
    assert [rule["equal"] for rule in content["inhibit_rules"]] == [["job"], ["job", "alertname"]]
