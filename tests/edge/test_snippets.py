"""Lines of C, called from Python and compiled for a microcontroller."""

from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.edge.compiling import CompileError
from deployworkbook.edge.snippets import c_bytes, c_function

NEURON = """
int32_t neuron(const uint8_t *x, const int8_t *w, int32_t b, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        b += (int32_t)x[i] * (int32_t)w[i];
    }
    return (b > 0) ? b : 0;
}
"""


def test_a_neuron_in_c_equals_numpy(networks) -> None:
    neuron = c_function(NEURON, "neuron")
    weights = networks.random.integers(-8, 8, 784).astype(np.int8)
    for image in networks.pixels(784, images=10):
        expected = max(int(image.astype(int) @ weights.astype(int)) + 40, 0)
        assert neuron(image, weights, 40, 784) == expected


def test_a_sum_of_16_bits_overflows() -> None:
    add = c_function("int16_t add(int16_t a, int16_t b) { return (int16_t)(a + b); }", "add",
                     result="int16_t")  # fmt: skip
    assert add(30_000, 5_000) == 35_000 - 65_536


def test_arrays_are_changed_in_place() -> None:
    clear = c_function(
        "void clear(float *x, int32_t n) { while (n--) { x[n] = 0.0f; } }", "clear", result="void"
    )
    values = np.ones(5, np.float32)
    assert clear(values, 4) is None
    assert values.tolist() == [0, 0, 0, 0, 1]


def test_bytes_for_a_microcontroller() -> None:
    assert 20 < c_bytes(NEURON, ["neuron"]).code < 60
    with pytest.raises(ValueError, match="cortex-m0plus"):
        c_bytes(NEURON, ["neuron"], "host")


def test_errors_name_the_line_of_the_text() -> None:
    with pytest.raises(CompileError, match=r"snippet\.c:2:\d+: error: .*'missing'"):
        c_function("int32_t wrong(void) {\n    return missing; }", "wrong")


def test_a_wrong_call_is_refused() -> None:
    with pytest.raises(ValueError, match="isn't static"):
        c_function(NEURON, "nerve")
    neuron = c_function(NEURON, "neuron")
    with pytest.raises(ValueError, match="ascontiguousarray"):
        neuron(np.zeros(9, np.uint8)[::2], np.zeros(5, np.int8), 0, 5)
    with pytest.raises(TypeError, match="an array of NumPy, or a number"):
        neuron([1, 2], np.zeros(2, np.int8), 0, 2)
