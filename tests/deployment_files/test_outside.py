"""Tests of the deployed models from outside: CronJob, ServiceMonitor and JUnit project."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import kubernetes_validate
import pytest
import yaml

from deployworkbook.cli import main
from deployworkbook.deployment_files.bundle import Bundle, find_models
from deployworkbook.deployment_files.dashboard import JOB
from deployworkbook.deployment_files.outside import find_golden
from deployworkbook.deployment_files.texts import texts
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.workspace.folder import Workspace
from tests.serving.planted import FAULTS, MODEL, trained, write_model
from tests.serving.planted import golden as golden
from tests.serving.planted import planted as planted

JUNIT = Path("/usr/share/java/junit-platform-console-standalone.jar")
INSTALL = "apt-get install junit5 openjdk-17-jdk-headless"

VERSION = "theReleasedVersionAnswers"
METADATA = "inputsAndOutputsAreThoseOfTheRelease"
CLASSES = "eachImageGetsItsClass"
SCORES = "scoresAreThoseOfTheRelease"
LATENCY = "oneImageTakesNoLongerThanItsBudget"
ERRORS = {"anUnknownModelGets404AndAText", "anImageOfTheWrongShapeGets400AndAText"}
# A virtual machine that lives for seconds: compiling for a longer life would take most of them.
SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
# Only the slow server is timed: how long a busy machine takes is no part of the other tests.
PATIENT = "-DlatencyMs=60000"
FAILS = {
    "wrong model": {SCORES},
    "swapped labels": {CLASSES, SCORES},
    "pixels not scaled": {CLASSES, SCORES},
    "slow server": {LATENCY},
    "stale version": {VERSION},
}


@pytest.fixture(scope="module")
def published(tmp_path_factory, digits):
    """Two versions of a model, of which the second is the newest."""
    folder = tmp_path_factory.mktemp("outside")
    write_model(folder / "model", trained(digits.test.images, digits.test.labels))
    for _ in range(2):
        ModelRepository(folder / "published" / MODEL).publish(folder / "model")
    return folder / "published"


@pytest.fixture(scope="module")
def files(published, golden):
    return texts(Bundle(find_models(published), golden=(golden,)))


@pytest.fixture(scope="module")
def objects(files):
    return {each["kind"]: each for each in yaml.safe_load_all(files["probe.yaml"])}


@pytest.fixture(scope="module")
def kubernetes(files):
    return {each["kind"]: each for each in yaml.safe_load_all(files["kubernetes.yaml"])}


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_the_probes_manifests_are_of_kubernetes_schemas(version, files):
    for each in yaml.safe_load_all(files["probe.yaml"]):
        kubernetes_validate.validate(each, version, strict=True)


def test_the_cron_job_finds_its_files_and_the_server(files, objects, kubernetes, golden):
    pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    maps = {
        each["metadata"]["name"]: each["data"]
        for each in yaml.safe_load_all(files["probe.yaml"])
        if each["kind"] == "ConfigMap"
    }
    volumes = {each["name"]: each["configMap"] for each in pod["spec"]["volumes"]}
    code = maps[volumes["code"]["name"]]
    for item in volumes["code"]["items"]:
        # What runs in the cluster is what was tested here.
        assert code[item["key"]] == files[f"probe/{item['path']}"]
    (container,) = pod["spec"]["containers"]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert {"name": "PYTHONPATH", "value": mounts["code"]} in container["env"]
    address, _, path = container["args"]
    service = kubernetes["Service"]
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert address == f"http://{service['metadata']['name']}:{ports['rest']}"
    given = maps[volumes["golden"]["name"]][path.removeprefix(f"{mounts['golden']}/")]
    assert given == golden.to_json() == files[f"probe/golden/{MODEL}.json"]


def test_the_probe_is_no_server_and_has_no_rights(objects, kubernetes):
    pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    labels = pod["metadata"]["labels"].items()
    assert not kubernetes["Service"]["spec"]["selector"].items() <= labels
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels
    to_server, _ = policy["egress"]
    (peer,) = to_server["to"]
    served = kubernetes["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert peer["podSelector"]["matchLabels"].items() <= served
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    for container in pod["spec"]["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}


def test_names_of_config_maps_follow_from_their_contents(published, golden, files):
    def names(text):
        return {
            each["metadata"]["name"]
            for each in yaml.safe_load_all(text)
            if each["kind"] == "ConfigMap"
        }

    other = texts(Bundle(find_models(published), golden=(replace(golden, latency_ms=1.0),)))
    assert len(names(files["probe.yaml"]) & names(other["probe.yaml"])) == 1


def test_the_service_monitor_finds_the_service(files, kubernetes):
    (monitor,) = yaml.safe_load_all(files["servicemonitor.yaml"])
    assert (monitor["apiVersion"], monitor["kind"]) == (
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
    )
    service = kubernetes["Service"]
    selected = monitor["spec"]["selector"]["matchLabels"].items()
    assert selected <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    prometheus = yaml.safe_load(files["prometheus/prometheus.yaml"])
    assert endpoint["path"] == prometheus["scrape_configs"][0]["metrics_path"]
    # The operator's job is the service's name, and alerts ask for this job.
    assert service["metadata"]["name"] == JOB


def test_the_operators_rules_are_those_of_the_alerts_file(files, kubernetes):
    (rules,) = yaml.safe_load_all(files["prometheusrule.yaml"])
    assert (rules["apiVersion"], rules["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rules["metadata"]["namespace"] == kubernetes["Service"]["metadata"]["namespace"]
    assert rules["spec"] == yaml.safe_load(files["prometheus/alerts.yaml"])


def test_without_golden_images_there_are_no_tests_from_outside(published):
    without = texts(Bundle(find_models(published)))
    assert not [path for path in without if path.startswith(("probe", "junit"))]
    assert "servicemonitor.yaml" in without
    assert "Tests from outside" not in without["README.md"]


def test_golden_images_of_another_version_are_not_deployed(published, golden, tmp_path):
    (model,) = models = find_models(published)
    nothing = find_golden(models, tmp_path)
    assert nothing.golden == ()
    assert f"--model {model.name} --record" in nothing.notes[0]
    (tmp_path / f"{MODEL}.json").write_text(replace(golden, version=1).to_json())
    old = find_golden(models, tmp_path)
    assert old.golden == ()
    assert "version 1, and version 2 is deployed" in old.notes[0]
    (tmp_path / f"{MODEL}.json").write_text(golden.to_json())
    assert find_golden(models, tmp_path).golden == (golden,)


def test_the_command_writes_them(published, golden, tmp_path, capsys):
    workspace = Workspace(tmp_path / "workspace").create()
    workspace.golden.mkdir()
    (workspace.golden / f"{MODEL}.json").write_text(golden.to_json())
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["deploy-files", str(out), "--repository", str(published),
              "--dir", str(workspace.root)])  # fmt: skip
    assert not ended.value.code
    assert "--record" not in capsys.readouterr().out
    (given,) = out.rglob("Golden.java")
    assert golden.images[0].pixels in given.read_text()
    readme = (out / "onnx" if (out / "onnx").exists() else out) / "README.md"
    assert "## Tests from outside" in readme.read_text()
    assert all(len(line) <= 120 for line in readme.read_text().splitlines())


@pytest.fixture(scope="module")
def project(files, planted, tmp_path_factory, missing):
    """The JUnit project, compiled and run once by its own script; gives its folder."""
    if shutil.which("javac") is None or not JUNIT.exists():
        missing(f"Java 17 with JUnit 5: {INSTALL}")
    folder = tmp_path_factory.mktemp("junit")
    for path, text in files.items():
        if path.startswith("junit/"):
            target = folder / path.removeprefix("junit/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    done = subprocess.run(
        [shutil.which("sh"), "run.sh", planted["sound"], PATIENT],
        cwd=folder,
        env=os.environ | SHORT_LIVED,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def outcomes(reports):
    """Each test's name, and whether it passed, from JUnit's own report."""
    suite = ElementTree.parse(reports / "TEST-junit-jupiter.xml").getroot()
    return {
        case.get("name").partition("(")[0]: case.find("failure") is None
        and case.find("error") is None
        for case in suite.iter("testcase")
    }


def test_a_sound_server_passes_the_junit_project(project):
    found = outcomes(project / "build" / "reports")
    assert found == dict.fromkeys({VERSION, METADATA, CLASSES, SCORES, LATENCY} | ERRORS, True)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_junit_project_finds_each_fault(project, planted, tmp_path, fault):
    classes, java = str(project / "build" / "classes"), shutil.which("java")
    given = [f"-Daddress={planted[fault]}", *([] if fault == "slow server" else [PATIENT])]
    done = subprocess.run(
        [java, *given, "-jar", str(JUNIT), "--class-path", classes,
         "--scan-class-path", classes, "--reports-dir", str(tmp_path), "--disable-banner"],
        env=os.environ | SHORT_LIVED, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    failed = {name for name, passed in outcomes(tmp_path).items() if not passed}
    # An equally good other model may, but needn't, class an image differently.
    assert failed == FAILS[fault] or failed == FAILS[fault] | {CLASSES}, done.stdout
