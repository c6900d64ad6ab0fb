"""Files for LiteRT and ONNX models: another flag, or another server."""

import json
import shutil
import subprocess
from importlib.resources import files as resources

import jsonschema
import kubernetes_validate
import pytest
import yaml
from dockerfile_parse import DockerfileParser

from deployworkbook.cli import main
from deployworkbook.deployment_files import monitoring, openvino, openvino_monitoring
from deployworkbook.deployment_files.bundle import Bundle, by_server, find_models
from deployworkbook.deployment_files.container import flags
from deployworkbook.deployment_files.texts import texts
from deployworkbook.serving.repository.model_repository import ModelRepository
from tests.serving import forms


@pytest.fixture(scope="module")
def folder(tmp_path_factory, saved_model):
    """A model of each kind, and one whose versions no one server takes."""
    made = tmp_path_factory.mktemp("forms")
    for kind in ("litert", "onnx"):
        ModelRepository(made / "published" / kind).publish(forms.make(kind, made / kind))
    ModelRepository(made / "published" / "onnx").publish(made / "onnx")
    ModelRepository(made / "published" / "saved").publish(saved_model)
    mixed = ModelRepository(made / "mixed")
    mixed.publish(saved_model, label="stable")
    mixed.publish(made / "onnx")
    return made


@pytest.fixture(scope="module")
def models(folder):
    return {model.name: model for model in find_models(folder / "published")}


@pytest.fixture(scope="module")
def onnx_bundle(models):
    return Bundle((models["onnx"],), "registry.example/m", cpus=3, kserve=True)


def test_models_are_divided_by_the_server_that_takes_them(models):
    others, onnx = by_server(tuple(models.values()))
    assert [model.name for model in others] == ["litert", "saved"]
    assert [model.name for model in onnx] == ["onnx"]
    with pytest.raises(ValueError, match=r"models: .*ONNX files \(onnx\) and others"):
        Bundle(tuple(models.values()))


def test_versions_of_one_model_that_no_one_server_takes_are_refused(folder):
    (mixed,) = find_models(folder / "mixed")
    with pytest.raises(ValueError, match=r"1: savedmodel, 2: onnx.*--runtime onnx"):
        by_server([mixed])


def test_litert_files_get_tensorflow_servings_flag(models):
    assert "--prefer_tflite_model=true" in flags(Bundle((models["litert"], models["saved"])))
    assert "--prefer_tflite_model=true" not in flags(Bundle((models["saved"],)))


def test_onnx_files_get_openvino_model_server(onnx_bundle, tmp_path):
    files = texts(onnx_bundle)
    parser = DockerfileParser(path=str(tmp_path))
    parser.content = files["Dockerfile"]
    steps = {step["instruction"]: step["value"] for step in parser.structure}
    assert parser.baseimage == openvino.IMAGE
    assert json.loads(steps["ENTRYPOINT"]) == ["/ovms/bin/ovms"]
    given = json.loads(steps["CMD"])
    assert given == openvino.flags(onnx_bundle)
    assert dict(zip(given[::2], given[1::2], strict=True)) == {
        "--config_path": "/etc/serving/models.json",
        "--port": "8500",
        "--rest_port": "8501",
        "--file_system_poll_wait_seconds": "0",
    }
    config = json.loads(files["config/models.json"])
    (model,) = (entry["config"] for entry in config["model_config_list"])
    assert (model["name"], model["base_path"]) == ("onnx", "/models/onnx")
    assert model["model_version_policy"] == {"specific": {"versions": [2]}}
    assert config["monitoring"] == {"metrics": {"enable": True}}
    assert "batching" not in "".join(files)


def test_files_for_onnx_are_of_their_schemas(onnx_bundle):
    files = texts(onnx_bundle)
    for version in ("1.30", kubernetes_validate.latest_version()):
        for each in yaml.safe_load_all(files["kubernetes.yaml"]):
            kubernetes_validate.validate(each, version, strict=True)
    schema = resources("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    content = json.loads(schema.read_text("utf-8"))
    jsonschema.validate(yaml.safe_load(files["compose.yaml"]), content)
    prometheus = yaml.safe_load(files["prometheus/prometheus.yaml"])
    assert prometheus["scrape_configs"][0]["metrics_path"] == "/metrics"


# The fields of KServe's predictor that aren't a pod's.
OF_THE_PREDICTOR = {
    "minReplicas": int, "maxReplicas": int, "scaleMetric": str, "scaleTarget": int,
}  # fmt: skip


@pytest.mark.parametrize("name", ["litert", "onnx"])
def test_the_manifest_for_kserve_is_an_inference_service_around_a_pod(models, name):
    files = texts(Bundle((models[name],), kserve=True))
    (given,) = yaml.safe_load_all(files["kserve.yaml"])
    assert (given["apiVersion"], given["kind"]) == (
        "serving.kserve.io/v1beta1",
        "InferenceService",
    )
    predictor = dict(given["spec"]["predictor"])
    for field, kind in OF_THE_PREDICTOR.items():
        assert isinstance(predictor.pop(field), kind)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": predictor}
    kubernetes_validate.validate(pod, "1.30", strict=True)
    (container,) = predictor["containers"]
    # KServe's service sends what it gets to the first port.
    assert (container["name"], container["ports"][0]["name"]) == ("kserve-container", "rest")
    (deployment,) = [
        each
        for each in yaml.safe_load_all(files["kubernetes.yaml"])
        if each["kind"] == "Deployment"
    ]
    (other,) = deployment["spec"]["template"]["spec"]["containers"]
    for field in ("image", "args", "resources", "readinessProbe", "securityContext"):
        assert container[field] == other[field]
    assert "kserve.yaml" not in texts(Bundle((models[name],)))


def test_prometheus_accepts_the_queries_about_openvino(onnx_bundle, tmp_path, missing):
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("promtool: Debian has it in the package prometheus")
    panels = openvino_monitoring.PANELS
    assert {panel.unit for panel in panels} <= {panel.unit for panel in monitoring.PANELS}
    queries = [query for panel in panels for query in panel.queries.values()]
    rules = [{"record": f"q{n}", "expr": query} for n, query in enumerate(queries)]
    (tmp_path / "queries").write_text(
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]})
    )
    (tmp_path / "alerts").write_text(texts(onnx_bundle)["prometheus/alerts.yaml"])
    for name in ("queries", "alerts"):
        said = subprocess.run(
            [promtool, "check", "rules", str(tmp_path / name)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stderr


def test_a_workspace_with_both_gets_a_folder_for_each_server(folder, tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["deploy-files", str(out), "--repository", str(folder / "published")])
    assert not ended.value.code
    assert "openvino" in (out / "onnx" / "Dockerfile").read_text()
    assert "tensorflow/serving" in (out / "Dockerfile").read_text()
    assert (out / "onnx" / "models" / "onnx" / "2" / "model.onnx").is_file()
    assert "deployworkbook-models-onnx:" in (out / "onnx" / "compose.yaml").read_text()
    assert "litert: version 1" in capsys.readouterr().out
