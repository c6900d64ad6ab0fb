"""From a variant to a row of the ledger; TensorFlow Lite Micro beside it."""

import sys

import numpy as np
import pytest

from deployworkbook.compression.litert_quantization import calibration_images, quantize
from deployworkbook.edge import measuring, micro_interpreter
from deployworkbook.edge.exporting import export_c
from deployworkbook.edge.measuring import measure_core
from deployworkbook.edge.micro_interpreter import run_micro
from deployworkbook.edge.network import read_network
from deployworkbook.edge.planning import plan
from deployworkbook.edge.program import to_pixels
from deployworkbook.ledger.book import Ledger
from deployworkbook.runtimes.base import UnavailableError
from deployworkbook.training.fit import Recipe, train
from deployworkbook.training.variant import Variant

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the package exists for Linux only")


@pytest.fixture(scope="module")
def model(digits):
    trained, _ = train(digits, Recipe(epochs=1))
    return trained


@pytest.fixture(scope="module")
def variant(model, digits):
    return quantize(model, "int8-full", images=calibration_images(digits.train, count=100))


@pytest.fixture(scope="module")
def images(digits):
    """The test images as their bytes mean them."""
    pixels = to_pixels(digits.test.images)
    return pixels.reshape(-1, 28, 28).astype(np.float32) / np.float32(255)


def test_a_row_has_memories_and_instructions_and_no_time(variant, digits, tmp_path):
    result = measure_core(variant, digits, tmp_path / "c", lesson="13_edge", note="by hand")
    row, emulation = result.measurement, result.emulation
    assert (row.runtime, row.kind, row.lesson) == ("cortex-m0plus", "measured", "13_edge")
    assert row.examples == len(digits.test)
    assert row.correct == result.correct > 0.3 * result.examples
    assert row.accuracy == result.accuracy
    assert (row.flash_bytes, row.ram_bytes) == (emulation.flash_bytes, emulation.ram_bytes)
    assert row.instructions_per_image == emulation.instructions.mean()
    assert (row.latency_p50_ms, row.peak_memory_bytes, row.throughput_per_s) == (None, None, {})
    assert "ziglang" in row.runtime_version
    assert f"{emulation.instructions.max():,} instructions" in row.note
    number = Ledger(tmp_path / "ledger.sqlite").add(row)
    (entry,) = Ledger(tmp_path / "ledger.sqlite").entries()
    assert (entry.id, entry.measurement) == (number, row)


def test_the_number_of_images_can_be_chosen_or_follows_from_the_budget(
    variant, digits, tmp_path, monkeypatch
):
    few = measure_core(variant, digits, tmp_path / "c", examples=7)
    assert (len(few.emulation.scores), few.examples) == (7, len(digits.test))
    monkeypatch.setattr(measuring, "BUDGET", 1)
    least = measure_core(variant, digits, tmp_path / "c", core="cortex-m4")
    assert len(least.emulation.scores) == measuring.LEAST_EXAMPLES
    assert (least.emulation.core, least.correct) == ("cortex-m4", few.correct)
    with pytest.raises(ValueError, match="examples"):
        measure_core(variant, digits, tmp_path / "c", examples=0)
    with pytest.raises(ValueError, match="'cortex-m0plus'"):
        measure_core(variant, digits, tmp_path / "c", core="avr")


def test_a_program_that_computes_something_else_is_reported(variant, digits, tmp_path, monkeypatch):
    honest = measuring.emulate

    def wrong(*args, **options):
        done = honest(*args, **options)
        done.scores[2, 3] += 1
        return done

    monkeypatch.setattr(measuring, "emulate", wrong)
    with pytest.raises(RuntimeError, match="test image 2"):
        measure_core(variant, digits, tmp_path / "c", examples=5)


@ON_LINUX
def test_tensorflow_lite_micro_answers_nearly_the_same_and_needs_more_ram(
    variant, digits, images, tmp_path
):
    micro = run_micro(variant.flatbuffer, images)
    # Its kernels round twice, as LiteRT's optimised ones; LiteRT's default rounds in float32.
    project = export_c(variant, tmp_path / "c", rounding="double")
    scores = plan(read_network(variant), rounding="double").scores(to_pixels(images))
    expected = project.probabilities(scores)
    assert micro.outputs.dtype == np.int8
    found = (micro.outputs + np.float32(128)) / np.float32(256)
    # Its softmax is another one, whose last step of 1/256 may differ; the scores do not.
    np.testing.assert_allclose(found, expected, atol=1 / 256)
    assert (found == expected).mean() > 0.998
    # Ties between classes may so arise or vanish; nothing else changes the answer.
    answers = found[np.arange(len(found)), scores.argmax(axis=1)]
    assert (answers >= found.max(axis=1) - 1 / 256).all()
    ours = measure_core(variant, digits, tmp_path / "m", examples=1).emulation.ram_bytes
    assert ours < micro.arena_bytes < 10_000


@ON_LINUX
def test_what_tensorflow_lite_micro_has_no_kernel_for_is_quoted(model, images):
    with pytest.raises(ValueError, match=r"Micro refuses \(.*INT4.*\)\. Quantize all"):
        run_micro(quantize(model, "int4").flatbuffer, images[:1])
    with pytest.raises(ValueError, match="the LiteRT file: expected a file of LiteRT"):
        run_micro(b"no file" * 10, images[:1])


@pytest.mark.parametrize(("system", "words"), [("linux", "pip install"), ("darwin", "Linux only")])
def test_without_tensorflow_lite_micro_the_reason_is_given(monkeypatch, system, words):
    monkeypatch.setattr(micro_interpreter, "find_spec", lambda name: None)
    monkeypatch.setattr(micro_interpreter.sys, "platform", system)
    with pytest.raises(UnavailableError, match=words):
        run_micro(b"", np.zeros((1, 28, 28), np.float32))


def test_onnx_is_refused_with_the_remedy(digits, tmp_path):
    with pytest.raises(ValueError, match="Quantize the Keras model"):
        measure_core(Variant("onnx", onnx=b"x"), digits, tmp_path / "c")
