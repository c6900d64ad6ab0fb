from __future__ import annotations

import warnings
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas.integer_inference import (
    ROUNDINGS,
    fixed_point,
    integer_dense,
    integer_matmul,
    multiply_fixed_point,
)
from deployworkbook.formulas.quantization import Grid
from deployworkbook.training.keras2 import keras, tf

INT8 = st.integers(-128, 127)


def grid(scale, zero_point=0) -> Grid:
    return Grid(np.asarray(scale, dtype=np.float64), np.asarray(zero_point), -128, 127)


def test_matmul_by_hand() -> None:
    # (5 - 1) · (2 - 3) + (-7 - 1) · (4 - 3) = -4 - 8
    result = integer_matmul([[5, -7]], [[2], [4]], input_zero_point=1, weight_zero_point=3)
    np.testing.assert_array_equal(result, [[-12]])
    assert result.dtype == np.int32


@given(
    inputs=arrays(np.int8, (2, 3, 5)),
    weights=arrays(np.int8, (5, 4)),
    input_zero_point=INT8,
    weight_zero_point=INT8,
)
def test_zero_points_may_stay_out_of_the_loop(
    inputs, weights, input_zero_point, weight_zero_point
) -> None:
    expected = (inputs.astype(int) - input_zero_point) @ (weights.astype(int) - weight_zero_point)
    result = integer_matmul(
        inputs, weights, input_zero_point=input_zero_point, weight_zero_point=weight_zero_point
    )
    np.testing.assert_array_equal(result, expected)


def test_sum_beyond_int32_is_refused() -> None:
    # 2^17 products of 2^14 are 2^31, one more than int32 holds.
    row = np.full((1, 1 << 17), -128, dtype=np.int8)
    with pytest.raises(ValueError, match=r"sum: expected integers that fit into int32.*2147483648"):
        integer_matmul(row, row.T)


@pytest.mark.parametrize(
    ("inputs", "error", "text"),
    [([[0.5]], TypeError, "inputs: expected whole"), ([[200]], ValueError, "from -128 to 127")],
)
def test_matmul_refuses_values_beyond_int8(inputs, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        integer_matmul(inputs, [[1]])


def test_matmul_refuses_mismatched_shapes() -> None:
    with pytest.raises(ValueError, match=r"weights: expected last axes of sizes \(2, any\)"):
        integer_matmul([[1, 2]], [[1], [2], [3]])


@given(st.floats(2.0**-31, 2.0**30, exclude_max=True))
def test_fixed_point_is_near_and_normalized(ratio: float) -> None:
    multiplier, shift = (int(part) for part in fixed_point(ratio))
    assert 2**30 <= multiplier < 2**31
    error = abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) - Fraction(ratio))
    assert error <= Fraction(ratio) * Fraction(1, 2**31)


def test_fixed_point_carries_into_the_shift() -> None:
    # 1 - 2^-40 is 2^31 - 2^-9 in steps of 2^-31: rounded to 2^31, which is 2^30 · 2^1
    multiplier, shift = fixed_point(1 - 2.0**-40)
    assert (multiplier, shift) == (2**30, 1)


@pytest.mark.parametrize("ratio", [0.0, 2.0**-32, 2.0**30])
def test_fixed_point_refuses_ratios_out_of_range(ratio: float) -> None:
    with pytest.raises(ValueError, match="ratio: expected numbers from"):
        fixed_point(ratio)


@given(value=st.integers(-(2**31), 2**31 - 1), ratio=st.floats(2.0**-31, 1.0, exclude_max=True))
def test_products_are_rounded_as_exact_fractions_are(value: int, ratio: float) -> None:
    multiplier, shift = (int(part) for part in fixed_point(ratio))
    half = Fraction(1, 2)
    exact = value * Fraction(multiplier) * Fraction(2) ** (shift - 31)
    single = multiply_fixed_point(value, multiplier, shift)
    assert single == floor(exact + half)
    left, right = max(shift, 0), max(-shift, 0)
    high = floor(value * Fraction(multiplier) * Fraction(2) ** (left - 31) + half)
    double = multiply_fixed_point(value, multiplier, shift, rounding="double")
    assert double == floor(Fraction(high, 2**right) + half)
    assert abs(int(single) - int(double)) <= 1


def test_rounding_twice_can_round_up_less_than_a_half() -> None:
    # 1/4 less a little: 2 · (1/4 - 2^-32) = 1/2 - 2^-31. Once: 0. Twice: first 1 (of 2^1), then 1/2
    # up to 1.
    multiplier, shift = 2**31 - 1, -2
    assert multiply_fixed_point(2, multiplier, shift) == 0
    assert multiply_fixed_point(2, multiplier, shift, rounding="double") == 1


def test_dense_by_hand() -> None:
    # (3 - 1) · 10 + (-2 - 1) · 4 + 5 = 13; 13 · 0.5 · 0.25 / 0.125 = 13; + 2 = 15
    result = integer_dense(
        [[3, -2]],
        [[10], [4]],
        [5],
        input_grid=grid(0.5, 1),
        weight_grid=grid(0.25),
        output_grid=grid(0.125, 2),
    )
    np.testing.assert_array_equal(result, [[15]])
    assert result.dtype == np.int8


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_dense_is_within_a_step_of_real_arithmetic(rounding) -> None:
    generator = np.random.default_rng(0)
    inputs = generator.integers(-128, 128, size=(50, 20))
    weights = generator.integers(-127, 128, size=(20, 6))
    bias = generator.integers(-2000, 2000, size=6)
    scales = generator.uniform(0.001, 0.01, size=(1, 6))
    real = 0.02 * (inputs - 3) @ (weights * scales) + 0.02 * scales * bias
    result = integer_dense(
        inputs,
        weights,
        bias,
        input_grid=grid(0.02, 3),
        weight_grid=grid(scales, np.zeros((1, 6), dtype=int)),
        output_grid=grid(0.2, -5),
        rounding=rounding,
    )
    expected = np.clip(real / 0.2 - 5, -128, 127)
    # Half a step, and the half that rounding twice can add.
    assert np.abs(result - expected).max() <= (1.0 if rounding == "double" else 0.5 + 1e-4)


@pytest.mark.parametrize(
    ("rounding", "expected"), [("single", [1, 2, 0]), ("double", [1, 2, 0]), ("float32", [0, 2, 0])]
)
def test_halves_round_up_in_integers_and_to_even_in_float32(rounding, expected) -> None:
    # 1, 3 and -1 by a half: 0.5, 1.5 and -0.5
    grids = {"input_grid": grid(1.0), "weight_grid": grid(1.0), "output_grid": grid(2.0)}
    result = integer_dense([[1]], [[1, 3, -1]], [0, 0, 0], **grids, rounding=rounding)
    np.testing.assert_array_equal(result, [expected])


def test_relu_cuts_at_the_zero_point() -> None:
    grids = {"input_grid": grid(1.0), "weight_grid": grid(1.0), "output_grid": grid(1.0, -20)}
    result = integer_dense([[1, -1]], [[5, -5], [0, 0]], [0, 0], **grids, relu=True)
    np.testing.assert_array_equal(result, [[-15, -20]])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"weight_grid": grid(1.0, 1)}, "weight_grid: expected a symmetric grid"),
        ({"weight_grid": grid([1.0, 1.0, 1.0], [0, 0, 0])}, "weight_grid: expected 1 or 2"),
        ({"input_grid": grid([1.0, 1.0], [0, 0])}, "input_grid: expected one per tensor"),
        ({"output_grid": Grid(np.array(0.1), np.array(0), -999, 999)}, "output: expected integers"),
        ({"rounding": "up"}, "rounding: expected one of 'single'"),
    ],
)
def test_dense_refuses_grids_that_no_kernel_supports(changes, text: str) -> None:
    settings = {"input_grid": grid(1.0), "weight_grid": grid(1.0), "output_grid": grid(1.0)}
    with pytest.raises(ValueError, match=text):
        integer_dense([[100]], [[1, 1]], [0, 0], **(settings | changes))


INPUTS, OUTPUTS, EXAMPLES = 48, 16, 20_000
KERNELS = {
    "single": OpResolverType.BUILTIN_REF,
    "double": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "float32": OpResolverType.AUTO,
}


@pytest.fixture(scope="module", params=["linear", "relu"])
def flatbuffer(request) -> tuple[bytes, bool]:
    """A dense layer in int8 throughout, and whether it ends in a ReLU."""
    relu = request.param == "relu"
    generator = np.random.default_rng(0)
    layer = keras.layers.Dense(OUTPUTS, activation="relu" if relu else None)
    model = keras.Sequential([keras.layers.InputLayer(INPUTS), layer])
    layer.set_weights(
        [generator.normal(size=(INPUTS, OUTPUTS)) * 0.1, generator.normal(size=OUTPUTS) * 0.1]
    )
    samples = generator.normal(size=(50, 1, INPUTS)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        # The converter warns that it has no statistics for the inputs, before it takes them.
        warnings.simplefilter("ignore")
        return converter.convert(), relu


def tensor_grid(details: dict) -> Grid:
    quantization = details["quantization_parameters"]
    return Grid(
        quantization["scales"].astype(np.float64),
        quantization["zero_points"].astype(np.int64),
        -128,
        127,
    )


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_dense_equals_litert_bit_for_bit(flatbuffer: tuple[bytes, bool], rounding) -> None:
    content, relu = flatbuffer
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=KERNELS[rounding]
    )
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(source["index"], (EXAMPLES, INPUTS))
    interpreter.allocate_tensors()
    inputs = np.random.default_rng(1).integers(-128, 128, size=(EXAMPLES, INPUTS), dtype=np.int8)
    interpreter.set_tensor(source["index"], inputs)
    interpreter.invoke()
    expected = interpreter.get_tensor(sink["index"])

    constants = {details["dtype"]: details for details in interpreter.get_tensor_details()[1:3]}
    weights, bias = constants[np.int8], constants[np.int32]
    results = {
        each: integer_dense(
            inputs,
            interpreter.get_tensor(weights["index"]).T,
            interpreter.get_tensor(bias["index"]),
            input_grid=tensor_grid(source),
            weight_grid=tensor_grid(weights),
            output_grid=tensor_grid(sink),
            rounding=each,
            relu=relu,
        )
        for each in ROUNDINGS
    }
    np.testing.assert_array_equal(results[rounding], expected)
    # Check that the comparison is sensitive: rounding twice changes about one output in 1000, by 1.
    other = "single" if rounding == "double" else "double"
    differences = np.abs(results[other].astype(int) - expected)
    assert 50 < differences.sum() < 2000
    assert differences.max() == 1
