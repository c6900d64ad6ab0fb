"""From the ledger's rows to a server: what the advice recommends is what answers, form by form."""

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files as resources

import jsonschema
import kubernetes_validate
import numpy as np
import pytest
import requests
import yaml

from deployworkbook.cli import main
from deployworkbook.compression.litert_quantization import quantize
from deployworkbook.costs.advice.advise import SERVED_RUNTIMES, advise
from deployworkbook.costs.estimation.from_ledger import measured_in
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.plan.making import make_plan
from deployworkbook.costs.plan.serving import serving_commands
from deployworkbook.ledger.book import Ledger
from deployworkbook.runtimes.benchmarking import benchmark, predict_in_batches
from deployworkbook.runtimes.registry import runtime
from deployworkbook.serving.client.connecting import connect
from deployworkbook.training.fit import Recipe, train
from deployworkbook.training.variant import Variant
from deployworkbook.workspace.folder import Workspace
from tests.serving.conftest import ADDRESS, free_port
from tests.waiting import wait_until

IMAGES = 1000
FORMS = {"savedmodel": "float32", "litert": "int8-full", "onnx": "float32"}


@pytest.fixture(scope="module")
def model(digits):
    return train(digits, Recipe(epochs=2))[0]


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "mine").create()


@pytest.fixture
def form(request, model, digits, workspace):
    """A form's row in the ledger, its predictor, and its export in the workspace."""
    name = request.param
    variant = Variant("float32", model, note="as trained")
    if FORMS[name] != "float32":
        variant = quantize(model, FORMS[name], images=digits.train.images[:100])
    platform = runtime(name)
    artifact = platform.export(variant, workspace.artifacts / digits.name)
    row = benchmark(
        platform, artifact, digits, repetitions=100, batch_sizes=(1,), seconds=0.01, memory=False
    )
    # What a busy machine would measure is no part of this test.
    usual = {"latency_p50_ms": 0.05, "latency_p99_ms": 0.1, "peak_memory_bytes": 200_000_000}
    row = replace(row, **usual)
    Ledger(workspace.ledger_path).add(row)
    return row, platform.load(artifact)


def run(command, monkeypatch, workspace):
    """Run a command of the plan, in the workspace's folder."""
    monkeypatch.chdir(workspace.root)
    _, *words = shlex.split(command.replace("$PWD", str(workspace.root)))
    with pytest.raises(SystemExit) as ended:
        main([*words, "--dir", str(workspace.root)])
    assert not ended.value.code


@pytest.mark.parametrize("form", FORMS, indirect=True)
def test_what_the_advice_recommends_answers_as_the_ledger_says(
    form, digits, workspace, monkeypatch, tmp_path
):
    row, predictor = form
    measured = measured_in(Ledger(workspace.ledger_path).entries())
    advice = advise(Workload(100.0), measured.profiles, servable=SERVED_RUNTIMES)
    plan = make_plan(advice)
    assert (plan.choice.profile.variant, plan.choice.profile.runtime) == (row.variant, row.runtime)
    publish, serve, deploy = serving_commands(plan)
    run(publish, monkeypatch, workspace)
    run(f"{deploy} --kserve", monkeypatch, workspace)
    check_files(workspace.root / "deploy", row.runtime)

    _, _, *flags = shlex.split(serve.replace("$PWD", str(workspace.root)))
    ports = {"port": free_port(), "rest_api_port": free_port()}
    flags = [flag for flag in flags if flag.partition("=")[0].strip("-") not in ports]
    flags += [f"--{name}={port}" for name, port in ports.items()]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployworkbook", "serve", *flags], stderr=log
        )
    try:
        wait_until(lambda: "Ready." in (tmp_path / "log").read_text())
        check_answers(ports, row, predictor, digits)
    finally:
        process.kill()
        process.wait()


def check_answers(ports, row, predictor, digits):
    """One thousand images over gRPC, all test images, and one by hand over REST."""
    images = np.resize(digits.test.images, (IMAGES, 28, 28))
    name = f"{row.variant}-{row.runtime}".removesuffix("-savedmodel")
    with connect(f"{ADDRESS}:{ports['port']}") as client:
        answers = np.concatenate(
            [client.predict(images[at : at + 50], model=name).output for at in range(0, IMAGES, 50)]
        )
        one = client.predict(images[:1], model=name).output
    expected = predict_in_batches(predictor, images)
    # LiteRT and its caller may round half a step of int8 to different sides.
    tolerance = 1 / 256 if row.variant == "int8-full" else 1e-5
    np.testing.assert_allclose(answers, expected, atol=tolerance)
    test = answers[: len(digits.test)].argmax(axis=1)
    assert (test == digits.test.labels).sum() == row.correct
    assert len(digits.test) == row.examples
    url = f"http://{ADDRESS}:{ports['rest_api_port']}/v1/models/{name}:predict"
    answer = requests.post(url, json={"instances": images[:1].tolist()}, timeout=20)
    np.testing.assert_allclose(answer.json()["predictions"], one, atol=1e-6)


def check_files(folder, form):
    """The files are of their schemas, and name the server that takes the form."""
    for each in yaml.safe_load_all((folder / "kubernetes.yaml").read_text()):
        kubernetes_validate.validate(each, "1.30", strict=True)
    schema = resources("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    jsonschema.validate(compose, json.loads(schema.read_text("utf-8")))
    dockerfile = (folder / "Dockerfile").read_text()
    assert ("openvino/model_server" in dockerfile) == (form == "onnx")
    assert ("--prefer_tflite_model=true" in dockerfile) == (form == "litert")
    assert (folder / "kserve.yaml").is_file()
