"""Parameters of runs."""

import pytest

from deployworkbook.execution.parameters import (
    fast_parameters,
    known_parameters,
    parameters_for,
    parse_value,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("null", None),
        ("None", None),
        ("none", None),
        ('"3"', "3"),
        ("[1, 2]", [1, 2]),
        ("{'a': 1}", {"a": 1}),
        ("digits", "digits"),
        ("no", "no"),
        ("", ""),
        ("__import__('os')", "__import__('os')"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_values_are_read_as_they_are_written(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_names_come_from_the_tagged_cell(write_notebook):
    path = write_notebook("n", "c = 3", parameters="a = 1\nb: int = 2  # two")
    assert known_parameters(path) == ["a", "b"]


def test_small_parameters_come_from_the_metadata(write_notebook):
    path = write_notebook("n", metadata={"deployworkbook": {"fast": {"a": 0}}})
    assert fast_parameters(path) == {"a": 0}
    assert fast_parameters(write_notebook("plain")) == {}
    broken = write_notebook("broken", metadata={"deployworkbook": {"fast": [1]}})
    with pytest.raises(ValueError, match="a dictionary"):
        fast_parameters(broken)


def test_each_notebook_gets_the_parameters_that_it_knows_over_its_small_ones(write_notebook):
    small = {"deployworkbook": {"fast": {"a": 0, "b": 0}}}
    first = write_notebook("first", parameters="a = 1\nb = 1", metadata=small)
    second = write_notebook("second", parameters="c = 1")
    given = {"a": 5, "c": 7}
    assert parameters_for([first, second], given, fast=True) == [{"a": 5, "b": 0}, {"c": 7}]
    assert parameters_for([first, second], given, fast=False) == [{"a": 5}, {"c": 7}]


def test_a_name_that_no_notebook_knows_is_refused_with_the_nearest(write_notebook):
    path = write_notebook("n", parameters="epochs = 1\nseed = 0")
    with pytest.raises(ValueError, match=r"one of epochs, seed\..*Did you mean epochs\?"):
        parameters_for([path], {"epoch": 2}, fast=False)
