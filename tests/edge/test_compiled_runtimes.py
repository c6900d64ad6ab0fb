"""Compiled models as platforms: parity with Keras, artifacts, and what no clock can measure."""

from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.edge import compiling
from deployworkbook.runtimes.base import Artifact, Runtime, UnavailableError
from deployworkbook.runtimes.benchmarking import benchmark
from deployworkbook.runtimes.comparison import MeasurementPlan, compare_platforms, parity
from deployworkbook.runtimes.provenance import sha256_of
from deployworkbook.runtimes.registry import EDGE_RUNTIMES, RUNTIMES, runtime
from deployworkbook.training.keras2 import keras
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def variant():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Flatten(input_shape=(28, 28)),
            keras.layers.Dense(12, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    return Variant("float32", model=model)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((8, 28, 28), np.float32)


@pytest.mark.parametrize("name", EDGE_RUNTIMES)
def test_answers_are_those_of_keras_but_for_pixels_of_a_byte(name, variant, images, tmp_path):
    platform = runtime(name)
    assert isinstance(platform, Runtime)
    assert platform.name == name
    artifact = platform.export(variant, tmp_path)
    predict = platform.load(artifact)
    assert predict.runtime == name
    found = parity(variant.model.predict(images, verbose=0), predict(images))
    assert found.agreeing == len(images)
    # A pixel is rounded to 1/255, so that each of 784 products is off by 1/510 of a weight at most.
    assert found.largest_difference < 0.01


def test_an_artifact_holds_the_program_and_its_record(variant, tmp_path):
    artifact = runtime("cortex-m0plus").export(variant, tmp_path)
    assert [path.name for path in artifact.files] == ["cortex-m0plus.elf", "model.json"]
    assert {"ziglang", "unicorn"} <= set(artifact.provenance.versions)
    assert Artifact.at(artifact.path) == artifact


def test_a_program_of_another_machine_names_the_remedy(variant, tmp_path):
    artifact = runtime("host-c").export(variant, tmp_path)
    (program,) = [path for path in artifact.files if path.suffix != ".json"]
    program.write_bytes(b"no program of this machine")
    record = artifact.provenance
    files = {**record.files, program.name: sha256_of(program)}
    replace(record, files=files).write(artifact.path)
    with pytest.raises(ValueError, match="compiled for another machine: export"):
        runtime("host-c").load(artifact)


def test_an_emulated_core_has_no_time(variant, digits, tmp_path):
    artifact = runtime("cortex-m0plus").export(variant, tmp_path)
    with pytest.raises(ValueError, match=r"no time of its own.*measure_core"):
        benchmark(runtime("cortex-m0plus"), artifact, digits, memory=False)
    plan = MeasurementPlan(own_process=False)
    with pytest.raises(ValueError, match="no time of its own"):
        compare_platforms([artifact], digits, plan)


def test_the_platforms_of_lesson_09_are_those_with_a_time():
    assert not set(EDGE_RUNTIMES) & set(RUNTIMES)


def test_without_the_compiler_its_command_is_named(variant, tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install ziglang"):
        runtime("cortex-m0plus").export(variant, tmp_path)
