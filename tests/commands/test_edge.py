"""The command ``edge``: figures of a model on an emulated core, and the chips it fits."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.ledger.book import Ledger
from deployworkbook.runtimes.registry import runtime
from deployworkbook.training.keras2 import keras
from deployworkbook.training.variant import Variant
from deployworkbook.workspace.folder import current_workspace


def call(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["edge", *map(str, arguments)])
    return ended.value.code or 0


@pytest.fixture(scope="module")
def variant():
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Flatten(input_shape=(28, 28)),
            layers.Dense(8, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return Variant("small", model=model)


@pytest.fixture
def exported(variant, home):
    """A variant in the workspace, as lessons export it."""
    return runtime("keras").export(variant, current_workspace().artifacts / "digits")


def test_an_exported_variant_is_measured_recorded_and_compared(exported, capsys, tmp_path):
    chips = ("--device", "STM32L412KB", "--device", "ATmega328P")
    out = tmp_path / "model-c"
    options = ("--dataset", "digits", "--examples", 20, "--record", "--out", out)
    assert call("small", *chips, *options) == 0
    said = capsys.readouterr().out
    for words in ("small on cortex-m0plus", "float32", "of 360 test images", "STM32L412KB", "µJ"):
        assert words in said
    assert "RP2040" not in said
    assert (out / "model.c").exists()
    (entry,) = Ledger().entries()
    assert (entry.measurement.variant, entry.measurement.examples) == ("small", 360)
    assert f"{entry.measurement.flash_bytes:,} bytes" in said


def test_a_file_gives_json(exported, capsys):
    path = exported.path / "model.keras"
    options = ("--dataset", "digits", "--examples", 5, "--device", "RP2040", "--json")
    assert call(path, *options) == 0
    read = json.loads(capsys.readouterr().out)
    (device,) = read["devices"]
    assert (read["variant"], read["emulated_images"], device["name"]) == ("small", 5, "RP2040")
    assert device["time_ms"][0] <= device["time_ms"][1]
    assert read["most_instructions"] >= read["instructions_per_image"]
    assert Ledger().entries() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("smal",), "Did you mean small?"),
        (("small", "--device", "RP2041"), "Did you mean RP2040?"),
        (("small", "--core", "z80"), "'cortex-m0plus'"),
        (("small", "--dataset", "faces"), "'digits'"),
    ],
)
def test_mistakes_are_named(exported, capsys, arguments, words):
    assert call(*arguments, *() if "--dataset" in arguments else ("--dataset", "digits")) == 1
    assert words in " ".join(capsys.readouterr().err.split())


def test_an_empty_workspace_says_what_exports(home, capsys):
    assert call("int8", "--dataset", "digits") == 1
    assert "Lesson 05 exports some" in " ".join(capsys.readouterr().err.split())
