"""The files, read by those who will read them, or by their schemas."""

import json
import shutil
import subprocess
from dataclasses import replace
from importlib.resources import files as resources
from itertools import combinations

import jsonschema
import kubernetes_validate
import pytest
import yaml
from dockerfile_parse import DockerfileParser
from google.protobuf import text_format

from deployworkbook.deployment_files import dashboard, monitoring
from deployworkbook.deployment_files.bundle import Bundle, digest
from deployworkbook.deployment_files.container import CONFIG, flags, health_command
from deployworkbook.deployment_files.texts import texts
from deployworkbook.monitoring.panels import MODEL_PANELS
from deployworkbook.serving.api.messages import ModelServerConfig
from deployworkbook.serving.embedded import config
from tests.serving.fakes import REAL_FLAGS


def documents(text):
    return list(yaml.safe_load_all(text))


@pytest.fixture(scope="session")
def objects(files):
    return {each["kind"]: each for each in documents(files["kubernetes.yaml"])}


# The oldest that the README names, and the newest that the library knows.
@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_manifests_are_of_kubernetes_schemas(version, files):
    for each in documents(files["kubernetes.yaml"]):
        kubernetes_validate.validate(each, version, strict=True)


def test_the_schemas_would_notice(files):
    for each in documents(files["kubernetes.yaml"]):
        if each["kind"] == "Deployment":
            each["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
            with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
                kubernetes_validate.validate(each, "1.30", strict=True)


def test_objects_refer_to_each_other(objects, bundle):
    deployment, service = objects["Deployment"]["spec"], objects["Service"]["spec"]
    pod = deployment["template"]
    labels = pod["metadata"]["labels"].items()
    selectors = [
        service["selector"],
        deployment["selector"]["matchLabels"],
        objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in selectors)
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert mounts.keys() == volumes.keys()
    assert volumes["config"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    for flag in container["args"]:
        _, _, path = flag.partition(f"={CONFIG}/")
        assert not path or path in objects["ConfigMap"]["data"]
    target = objects["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (
        "Deployment",
        objects["Deployment"]["metadata"]["name"],
    )
    assert container["image"] == bundle.image
    namespace = objects["Namespace"]["metadata"]["name"]
    assert {o["metadata"].get("namespace", namespace) for o in objects.values()} == {namespace}


def test_a_pod_has_no_rights_that_the_namespace_refuses(objects):
    """Kubernetes' standard "restricted", point by point."""
    level = "pod-security.kubernetes.io/enforce"
    assert objects["Namespace"]["metadata"]["labels"][level] == "restricted"
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert all(volume.keys() & {"configMap", "emptyDir"} for volume in pod["volumes"])
    rights = pod["containers"][0]["securityContext"]
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert rights["readOnlyRootFilesystem"] is True
    grace_s = pod["terminationGracePeriodSeconds"]
    assert pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] < grace_s


def test_changed_server_files_get_a_name_of_their_own(published, bundle, objects):
    other = Bundle(bundle.models[:1], bundle.repository)
    (changed,) = [d for d in documents(texts(other)["kubernetes.yaml"]) if d["kind"] == "ConfigMap"]
    assert changed["metadata"]["name"] != objects["ConfigMap"]["metadata"]["name"]


def test_compose_is_of_its_schema(files):
    schema = resources("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    content = json.loads(schema.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(content)(content)
    (given,) = documents(files["compose.yaml"])
    validator.validate(given)
    given["services"]["grafana"]["helthcheck"] = {}
    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        validator.validate(given)


def test_compose_keeps_to_this_machine_and_mounts_what_there_is(files, bundle):
    (given,) = documents(files["compose.yaml"])
    *_, command = given["services"]["model-server"]["healthcheck"]["test"]
    assert command.replace("$$", "$") == health_command(bundle)
    for service in given["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["read_only"] is True
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
        for volume in service.get("volumes", ()):
            source, _, _ = volume.partition(":")
            if source.startswith("./"):
                assert any(path.startswith(source[2:] + "/") for path in files), source
            else:
                assert source in given["volumes"]


def test_the_dockerfile(files, bundle, tmp_path):
    parser = DockerfileParser(path=str(tmp_path), env_replace=True)
    parser.content = files["Dockerfile"]
    steps = {step["instruction"]: step["value"] for step in parser.structure}
    assert parser.baseimage == "tensorflow/serving:2.20.0"
    assert steps["USER"] == "65532:65532"
    assert json.loads(steps["CMD"]) == flags(bundle)
    names = {flag.partition("=")[0].removeprefix("--") for flag in flags(bundle)}
    assert names <= REAL_FLAGS
    first = bundle.models[0].versions[0]
    assert parser.labels["deployworkbook.model.digits.1.sha256"] == digest(first)
    # Docker takes the backslash away, this parser does not.
    assert parser.labels["deployworkbook.model.digits.1.variant"] == 'float32, "\\$HOME"'
    assert parser.labels["org.opencontainers.image.version"] == bundle.image.rpartition(":")[2]
    # What is copied is what the build sees.
    seen = files[".dockerignore"].split()
    for step in parser.structure:
        if step["instruction"] == "COPY":
            assert f"!{step['value'].split()[0]}" in seen


def test_the_servers_files_are_read_by_a_server(files, tmp_path):
    for name, text in files.items():
        if name.startswith("config/"):
            (tmp_path / name.removeprefix("config/")).write_text(text)
    digits, other = config.read_models(tmp_path / "models.config")
    assert (digits.name, str(digits.base_path)) == ("digits", "/models/digits")
    assert (digits.policy.numbers, digits.labels) == ((1, 2), {"stable": 1})
    assert (other.policy.numbers, other.labels) == ((2,), {})
    assert config.read_batching(tmp_path / "batching.config").num_batch_threads == 1
    path = config.read_metrics_path(tmp_path / "monitoring.config")
    (prometheus,) = documents(files["prometheus/prometheus.yaml"])
    assert prometheus["scrape_configs"][0]["metrics_path"] == path


def test_prometheus_accepts_its_files_and_every_query(files, tmp_path, missing):
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("promtool: Debian has it in the package prometheus")
    for name in ("prometheus.yaml", "alerts.yaml"):
        (tmp_path / name).write_text(files[f"prometheus/{name}"])
    queries = [q for panel in monitoring.PANELS for q in panel.queries.values()]
    rules = [{"record": f"q{n}", "expr": query} for n, query in enumerate(queries)]
    (tmp_path / "queries.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]})
    )
    for kind, name in (("config", "prometheus.yaml"), ("rules", "queries.yaml")):
        said = subprocess.run(
            [promtool, "check", kind, str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
    assert f"{len(queries)} rules found" in said.stdout


@pytest.mark.parametrize(
    ("name", "shown"), [("serving", monitoring.PANELS), ("model", dashboard.written(MODEL_PANELS))]
)
def test_a_dashboard_is_whole(files, name, shown):
    given = json.loads(files[f"grafana/dashboards/{name}.json"])
    (sources,) = documents(files["grafana/provisioning/datasources/prometheus.yaml"])
    (providers,) = documents(files["grafana/provisioning/dashboards/dashboards.yaml"])
    (compose,) = documents(files["compose.yaml"])
    uid = sources["datasources"][0]["uid"]
    panels = given["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == len(shown)
    for panel, wanted in zip(panels, shown, strict=True):
        assert (panel["title"], panel["datasource"]["uid"]) == (wanted.title, uid)
        assert [each["expr"] for each in panel["targets"]] == list(wanted.queries.values())
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {uid}
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    # Grafana looks for dashboards where compose puts them.
    where = providers["providers"][0]["options"]["path"]
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{where}:ro" in mounts


def test_equal_models_give_equal_files(bundle, files):
    assert texts(bundle) == files


@pytest.mark.parametrize("label", ["a\u2028b", "a\x85b", "数字", 'a"|\\b', "a\nb"])
def test_any_label_reaches_the_server_through_the_config_map(bundle, label):
    (digits, *others) = bundle.models
    labelled = replace(bundle, models=(replace(digits, labels={label: 1}), *others))
    written = texts(labelled)
    (config_map,) = (
        each for each in documents(written["kubernetes.yaml"]) if each["kind"] == "ConfigMap"
    )
    text = config_map["data"]["models.config"]
    assert text == written["config/models.config"].rstrip() + "\n"
    (first, *_) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert dict(first.version_labels) == {label: 1}
    rows = [line for line in written["README.md"].splitlines() if line.startswith("| digits |")]
    assert [row.endswith(" = 1 |") for row in rows] == [True]


def test_alerts_keep_queries_with_quotes_and_colons(files):
    groups = yaml.safe_load(files["prometheus/alerts.yaml"])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    queries = {rule["alert"]: rule["expr"] for rule in rules if "alert" in rule}
    assert queries["ServerDown"] == f'up{{job="{dashboard.JOB}"}} == 0'
    assert monitoring.BROKEN in queries["VersionDoesNotLoad"]
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in rules
               if "alert" in rule)  # fmt: skip


def test_the_readme_names_what_there_is(files, bundle):
    text = files["README.md"]
    assert "| digits | 1, 2 | stable = 1 |" in text
    assert "| other | 2 | none |" in text
    assert bundle.image in text
    assert all(len(line) <= 120 for line in text.splitlines())
