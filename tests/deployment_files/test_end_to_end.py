"""The files at work: the image's flags start a server, and what watches it finds its answers."""

import json
import shutil
import subprocess
from functools import partial

import pytest
import requests
import yaml

from deployworkbook.deployment_files import container, monitoring
from deployworkbook.deployment_files.writing import write
from deployworkbook.workspace.folder import Workspace
from tests.serving.conftest import ADDRESS, free_port
from tests.serving.embedded.processes import Process
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def folder(bundle, tmp_path_factory):
    made = tmp_path_factory.mktemp("deployed")
    write(made / "files", bundle, workspace=Workspace(made / "workspace"))
    return made / "files"


@pytest.fixture(scope="module")
def server(bundle, folder):
    """The command of the image, with the folder's files where the image would have them."""
    models = folder / "config" / "models.config"
    models.write_text(models.read_text().replace("/models/", f"{folder}/models/"))
    flags = [
        flag.replace(container.CONFIG, str(folder / "config"))
        for flag in container.flags(bundle)
        if not flag.partition("=")[0].endswith("port")
    ]
    running = Process(folder / "log", *flags).says("Ready.")
    yield running
    running.channel.close()
    running.popen.kill()
    running.popen.wait()


def ask(server, path, **given):
    address = f"http://{ADDRESS}:{server.rest_port}{path}"
    if given:
        return requests.post(address, json=given, timeout=20)
    return requests.get(address, timeout=20)


def test_the_images_flags_start_a_server_with_labels(server):
    for path in ("digits/labels/stable", "digits/versions/2", "other/versions/2"):
        answer = ask(server, f"/v1/models/{path}:predict", inputs=[2.0])
        assert answer.json() == {"outputs": [3.0]}, answer.text
    assert ask(server, "/v1/models/other/versions/1:predict", inputs=[2.0]).status_code == 404


def test_probes_and_health_check_tell_who_serves(server, bundle, missing):
    assert ask(server, container.ready_path(bundle)).status_code == 200
    bash = shutil.which("bash")
    if bash is None:
        missing("bash")

    def healthy(command):
        return subprocess.run([bash, "-c", command], capture_output=True, check=False, timeout=20)

    command = container.health_command(bundle, port=server.rest_port)
    assert healthy(command).returncode == 0
    assert healthy(command.replace("digits", "nobody")).returncode != 0
    assert healthy(container.health_command(bundle, port=free_port())).returncode != 0


def test_every_panel_shows_something(server, folder, tmp_path, missing):
    """A real Prometheus reads the server by its file, and answers the dashboard's queries."""
    program = shutil.which("prometheus")
    if program is None:
        missing("prometheus: Debian has a package of this name")
    given = yaml.safe_load((folder / "prometheus/prometheus.yaml").read_text())
    given["global"]["scrape_interval"] = "200ms"
    given["global"]["scrape_timeout"] = "200ms"
    given["scrape_configs"][0]["static_configs"][0]["targets"] = [f"{ADDRESS}:{server.rest_port}"]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(given))
    shutil.copy(folder / "prometheus/alerts.yaml", tmp_path)
    port = free_port()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [program, f"--config.file={tmp_path / 'prometheus.yaml'}",
             f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address={ADDRESS}:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: _answers(port))
        dashboard = json.loads((folder / "grafana/dashboards/serving.json").read_text())
        waiting = {t["expr"] for panel in dashboard["panels"] for t in panel["targets"]}
        assert len(waiting) == sum(len(panel.queries) for panel in monitoring.PANELS)

        def has_values(query):
            ask(server, "/v1/models/digits:predict", inputs=[2.0])
            return _values(port, query)

        for query in sorted(waiting):
            wait_until(partial(has_values, query), query)
        rules = requests.get(f"http://{ADDRESS}:{port}/api/v1/rules", timeout=20).json()
        found = [rule["name"] for group in rules["data"]["groups"] for rule in group["rules"]]
        written = yaml.safe_load((folder / "prometheus/alerts.yaml").read_text())["groups"]
        assert len(found) == sum(len(group["rules"]) for group in written)
        assert {"ServerDown", "RequestsSlow", "VersionDoesNotLoad"} <= set(found)
    finally:
        process.kill()
        process.wait()


def _answers(port):
    try:
        return requests.get(f"http://{ADDRESS}:{port}/-/ready", timeout=2).ok
    except requests.ConnectionError:
        return False


def _values(port, query):
    """Numbers that a query finds; NaN, the share of nothing, is none."""
    address = f"http://{ADDRESS}:{port}/api/v1/query"
    answer = requests.get(address, {"query": query}, timeout=20).json()
    assert answer["status"] == "success", answer
    return [each for each in answer["data"]["result"] if each["value"][1] != "NaN"]
