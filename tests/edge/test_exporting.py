"""Models in C, compiled for this machine, equal NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.edge.exporting import export_c, write_project
from deployworkbook.edge.planning import plan
from deployworkbook.edge.project import read_project
from deployworkbook.edge.tables import smallest_type
from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.integer_inference import ROUNDINGS
from deployworkbook.training.variant import Variant

SIZES = [(5, 3), (30, 7, 4), (64, 33, 9, 10), (784, 20, 10)]
LAYOUTS = [None, "int8", "int4", "sparse int8", "sparse int4"]
# Each size with each layout; every other time with a scale per output, so that both kinds of scales
# meet each size and each layout.
STORED = [
    (sizes, layout, (row + column) % 2 == 1)
    for row, sizes in enumerate(SIZES)
    for column, layout in enumerate(LAYOUTS)
]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_float32_in_c_is_near_numpy(sizes, networks, run_c, tmp_path) -> None:
    program = plan(networks.float32(sizes))
    pixels = networks.pixels(sizes[0])
    scores, classes = run_c(write_project(program, "test", tmp_path / "c"), pixels)
    # Sums of up to 784 products near 1, in another order: some roundings of 2^-24 each.
    np.testing.assert_allclose(scores, program.scores(pixels), atol=1e-5)
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_int8_in_c_equals_numpy(sizes, rounding, networks, run_c, tmp_path) -> None:
    program = plan(networks.int8(sizes), rounding=rounding)
    pixels = networks.pixels(sizes[0])
    scores, classes = run_c(write_project(program, "test", tmp_path / "c"), pixels)
    np.testing.assert_array_equal(scores, program.scores(pixels))
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))


def test_int8_in_sparse_rows_equals_numpy(networks, run_c, tmp_path) -> None:
    program = plan(networks.int8((784, 20, 10), sparsity=0.9))
    assert program.steps[0].layout.name == "sparse int8"
    pixels = networks.pixels(784)
    scores, _ = run_c(write_project(program, "test", tmp_path / "c"), pixels)
    np.testing.assert_array_equal(scores, program.scores(pixels))


def test_int8_with_another_grid_of_pixels_reads_a_table(networks, run_c, tmp_path) -> None:
    program = plan(networks.int8((40, 6), input_scale=1 / 200, input_zero=-100))
    assert program.input_table is not None
    pixels = networks.pixels(40)
    scores, _ = run_c(write_project(program, "test", tmp_path / "c"), pixels)
    np.testing.assert_array_equal(scores, program.scores(pixels))


@pytest.mark.parametrize(("sizes", "layout", "per_output"), STORED, ids=str)
def test_stored_integers_in_c_equal_numpy(
    sizes, layout, per_output, networks, run_c, tmp_path
) -> None:
    network = networks.stored(sizes, sparsity=0.8, per_output=per_output)
    program = plan(network, layout=layout)
    pixels = networks.pixels(sizes[0])
    scores, classes = run_c(write_project(program, "test", tmp_path / "c"), pixels)
    np.testing.assert_array_equal(scores, program.scores(pixels))
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("per_output", [False, True])
def test_whole_sums_are_the_network_s_floats(per_output, bits, networks) -> None:
    """Against the file's meaning, W = s q and x = p / 255, in float64."""
    network = networks.stored((300, 40, 10), sparsity=0.5, bits=bits, per_output=per_output)
    pixels = networks.pixels(300)
    values = pixels / 255
    for number, layer in enumerate(network.layers):
        values = values @ (layer.weights * layer.scale.astype(float)) + layer.bias
        if number + 1 < len(network.layers):
            values = np.maximum(values, 0)
    program = plan(network)
    scores = program.scores(pixels) * program.score_step
    # At worst, hidden sums keep 16 bits of the largest possible one, which is some ten times the
    # largest there is.
    assert np.abs(scores - values).max() < 1e-3 * np.abs(values).max()


def test_tables_and_buffers_are_known_beforehand(networks, tmp_path) -> None:
    program = plan(networks.stored((784, 100, 10), sparsity=0.975))
    project = write_project(program, "test", tmp_path / "c")
    tables = [table for step in program.steps for table in step.tables]
    assert project.table_bytes == sum(table.size_bytes for table in tables)
    assert project.layouts[0] == "sparse int4"
    # Hidden sums are below 2^16: at most 255 · 7 for each of some 20 weights.
    assert project.buffer_bytes == 100 * 2


def test_a_project_is_read_back(networks, tmp_path) -> None:
    project = write_project(plan(networks.stored((9, 4))), "test-1", tmp_path / "c")
    assert read_project(tmp_path / "c") == project
    (tmp_path / "c" / "model.json").write_text("{}")
    with pytest.raises(ValueError, match="Export the model again"):
        read_project(tmp_path / "c")
    with pytest.raises(FileNotFoundError, match="export_c"):
        read_project(tmp_path)


def test_scores_become_probabilities(networks, tmp_path) -> None:
    project = write_project(plan(networks.stored((9, 4))), "test", tmp_path / "c")
    scores = np.array([[100, -50, 0, 20]], np.int32)
    expected = softmax(scores * project.score_step)
    np.testing.assert_allclose(project.probabilities(scores), expected, rtol=1e-6)


def test_other_files_are_not_replaced(networks, tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="Choose an empty folder"):
        write_project(plan(networks.stored((9, 4))), "test", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_onnx_file_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="a Keras model or a LiteRT file"):
        export_c(Variant("test", onnx=b"x"), tmp_path / "c")


def test_sums_beyond_int32_are_refused(networks) -> None:
    network = networks.stored((784, 100, 10), bits=8)
    network.layers[0].bias[0] = 1e9
    with pytest.raises(ValueError, match="int32_t"):
        plan(network)


def test_the_smallest_type_is_found() -> None:
    assert smallest_type([0, 255], "uint8_t", "uint16_t") == "uint8_t"
    with pytest.raises(ValueError, match="fit into uint16_t"):
        smallest_type([2**16], "uint8_t", "uint16_t")
