"""TensorFlow loads without work on signatures, and nothing else notices."""

import inspect
import types
import typing

import pytest

from deployworkbook.training.quick_loading import without_signatures

TYPES = ("_atypes.Half", "Half")


def signature_of(function):
    return inspect.signature(function)


def function(x: int, *, y: str = "a") -> None:
    pass


def test_only_tensorflows_decorator_sees_no_signatures_and_only_its_types_are_shared():
    names = {"__name__": "tensorflow.python.util.tf_decorator", "inspect": inspect}
    asked_by_tensorflow = types.FunctionType(signature_of.__code__, names)
    with without_signatures():
        with pytest.raises(ValueError, match="needed"):
            asked_by_tensorflow(function)
        assert list(signature_of(function).parameters) == ["x", "y"]
        first, second = (typing.TypeVar("T", *TYPES) for _ in range(2))
    assert first.__constraints__ == second.__constraints__
    assert first.__constraints__[1] is not second.__constraints__[1]
    assert asked_by_tensorflow(function) == signature_of(function)


def test_a_function_of_tensorflow_shows_its_own_signature():
    from deployworkbook.training.keras2 import tf

    assert list(inspect.signature(tf.math.add).parameters) == ["x", "y", "name"]
    assert list(inspect.signature(tf.matmul).parameters)[:3] == ["a", "b", "transpose_a"]
