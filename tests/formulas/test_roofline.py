"""Operations, bytes and the roofline bound: by hand, and against Keras's own count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.roofline import (
    dense_bytes,
    dense_multiplications,
    roofline_time,
    serial_time,
)


def test_by_hand():
    # 3 inputs, 2 hidden units, 1 output: 6 + 2 weights, 2 + 1 biases, 3 + 1 numbers in and out.
    assert dense_multiplications([3, 2, 1]) == 8
    assert dense_bytes([3, 2, 1]) == 4 * (8 + 3 + 4)
    assert dense_bytes([3, 2, 1], batch_size=10) == 4 * (8 + 3 + 40)
    assert dense_bytes([3, 2, 1], weight_bytes=1) == 8 + 4 * (3 + 4)


def test_weight_count_equals_keras():
    from deployworkbook.training.models import mlp

    model = mlp()
    kernels = sum(layer.kernel.shape.num_elements() for layer in model.layers if layer.weights)
    assert dense_multiplications([784, 128, 10]) == kernels
    assert dense_bytes([784, 128, 10]) == 4 * (model.count_params() + 784 + 10)


def test_the_slower_of_compute_and_memory_is_the_bound():
    machine = {"operations_per_s": 100.0, "bytes_per_s": 10.0}
    assert roofline_time(1000, 10, **machine) == 10
    assert roofline_time(1000, 500, **machine) == 50
    # Ten operations per byte: the ridge point, where both take the same time.
    assert roofline_time(100, 10, **machine) == roofline_time(0, 10, **machine) == 1


@pytest.mark.parametrize("widths", [[], [3], [3, 0]])
def test_invalid_widths_are_refused(widths):
    with pytest.raises(ValueError, match="width"):
        dense_multiplications(widths)


def test_a_bandwidth_of_0_is_refused():
    with pytest.raises(ValueError, match="bytes_per_s"):
        roofline_time(1, 1, operations_per_s=1, bytes_per_s=0)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_without_overlap_a_call_takes_at_most_twice_the_bound(operations, moved):
    machine = {"operations_per_s": 100.0, "bytes_per_s": 10.0}
    bound = roofline_time(operations, moved, **machine)
    assert bound <= serial_time(operations, moved, **machine) <= 2 * bound


def test_without_overlap_the_ridge_takes_exactly_twice_the_bound():
    machine = {"operations_per_s": 100.0, "bytes_per_s": 10.0}
    assert serial_time(100, 10, **machine, call_s=0.5) == 2.5
