"""Functions written down: run elsewhere, they give the same numbers."""

import copy
import functools
import math
from os import environ

import numpy as np
import numpy as other_name
import pytest

from deployworkbook.exercises.definitions import NoSourceError
from deployworkbook.exercises.literals import NoLiteralError, literal_of
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.exercises.sources import is_own_module, program_of
from deployworkbook.workspace.plain_numbers import real_array

FUNCTIONS = [exercise for exercise in EXERCISES.values() if exercise.cases]

RATE = 0.5
TABLE = {"a": (1, 2.5), "b": np.array([[1.0, np.inf]])}
MODEL = object()


def made_of_text(text):
    return eval(text, {"numpy": np})  # noqa: S307


def run(program):
    namespace = {"__name__": "elsewhere"}
    exec(program.code, namespace)  # noqa: S102
    return namespace[program.name]


def own(module):
    return is_own_module(module) or module.startswith("deployworkbook.exercises")


def numbers_of(exercise, function):
    return [real_array(function(*copy.deepcopy(case))) for case in exercise.cases]


def test_each_reference_and_mistake_of_all_exercises_survives():
    for exercise in FUNCTIONS:
        answers = (exercise.reference, *exercise.also_right, *(m.answer for m in exercise.mistakes))
        for answer in answers:
            again = numbers_of(exercise, run(program_of(answer, is_own=own)))
            for copied, original in zip(again, numbers_of(exercise, answer), strict=True):
                np.testing.assert_array_equal(copied, original, exercise.id)


def half(value):
    return value * RATE


def countdown(value):
    return 0 if value <= 0 else 1 + countdown(value - 1)


@functools.lru_cache
def cached(value):
    return half(value)


def test_what_a_function_uses_comes_with_it():
    def around(factor):
        def inner(value: "float", *, power=TABLE["a"][0]) -> float:
            """Li Wei's own function."""
            # a comment
            total: float = half(value) * factor**power + other_name.abs(TABLE["b"][0, 0])
            return total + math.floor(value)

        return inner

    function = around(3)
    program = program_of(function)
    assert run(program)(4.0) == function(4.0)
    assert "Li Wei" not in program.code
    assert "comment" not in program.code
    assert "RATE = 0.5" in program.code
    assert program.name == "inner"


@pytest.mark.parametrize(
    "function",
    [
        half,
        countdown,
        cached,
        lambda value: half(value) - 1,
        functools.partial(pow, 2),
        functools.partial(lambda how, value: how(value), half),
        math.sqrt,
        np.sqrt,
        np.mean,
        lambda value, add=half: add(value),
    ],
)
def test_functions_of_many_kinds_survive(function):
    assert run(program_of(function))(4) == function(4)


def test_two_lambdas_on_one_line_are_told_apart():
    first, second = (lambda value: value + 1), (lambda value: value + 2)
    assert run(program_of(first))(1) == 2
    assert run(program_of(second))(1) == 3


def test_what_a_private_name_holds_stays_out_unless_it_is_used():
    """A local variable may have the name of something in the notebook."""

    def local(value):
        MODEL = value
        return MODEL + MODEL

    assert "object" not in program_of(local).code


def test_objects_of_a_library_are_imported_by_name():
    program = program_of(lambda: (environ, np.pi))
    assert "from os import environ\n" in program.code
    assert "HOME" not in program.code


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda value: (MODEL, value), "MODEL, which is of type object"),
        (made_of_text("lambda value: value"), "source is unknown"),
        ([].append, "which is of type builtin_function_or_method"),
    ],
)
def test_what_cannot_be_written_down_is_said(function, reason):
    with pytest.raises(NoSourceError, match=reason):
        program_of(function)


@pytest.mark.parametrize(
    "value",
    [True, -3, 10**200, 1e-300, float("-inf"), "ä\n", None, [], (1,), {2}, set(), {"a": [(1, 2)]}],
)
def test_literals_give_the_value_back(value):
    again = made_of_text(literal_of(value))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "uint8"])
def test_arrays_keep_their_type_and_shape(kind):
    array = np.array([[1, 0, 1]]).astype(kind)
    again = made_of_text(literal_of(array))
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize("value", [object(), 1j, 10**400, np.zeros(10_000), np.array(["a"])])
def test_what_is_no_plain_value_has_no_literal(value):
    with pytest.raises(NoLiteralError):
        literal_of(value)
