"""Parameters of a run."""

import pytest

from deployworkbook.execution.parameters import (
    declared_parameters,
    fast_parameters,
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
def test_values_are_parsed_with_their_types(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


PARAMETERS = """
%matplotlib inline
# c = 3
query = "a=b"
n = 3  # n >= 1
d = dict(
    a=1,
)
first, second = 1.5, None
both = other = -2
rate: "float" = 60 * 0.5
later: int
print(n == 3)
settings["x"] = 1
"""


def test_parameters_and_types_come_from_the_tagged_cell(write_notebook):
    path = write_notebook("n", "z = 3", parameters=PARAMETERS)
    assert {name: each.type for name, each in declared_parameters(path).items()} == {
        "query": str,
        "n": int,
        "d": dict,
        "first": float,
        "second": None,
        "both": int,
        "other": int,
        "rate": float,
        "later": int,
    }
    assert parameters_for([path], {"query": "c=d", "n": 4}, fast=False) == [
        {"query": "c=d", "n": 4}
    ]


def test_a_parameters_cell_that_is_not_python_is_refused(write_notebook):
    path = write_notebook("n", parameters="a = 1\nb = = 2")
    with pytest.raises(ValueError, match=r"parameters cell in .*Python.*line 2"):
        declared_parameters(path)


@pytest.mark.parametrize(
    ("default", "value"),
    [
        ("2000.0", 1),
        ("float('inf')", 0.5),
        ("5", -3),
        ("True", False),
        ("'auto'", "mnist"),
        ("[1, 3]", [2]),
        ("(1, 3)", [2]),
        ("{}", {"a": 1}),
        ("None", "anything"),
        ("compute()", 3),
    ],
)
def test_a_value_of_the_defaults_type_is_accepted(write_notebook, default, value):
    path = write_notebook("n", parameters=f"a = {default}")
    assert parameters_for([path], {"a": value}, fast=False) == [{"a": value}]


@pytest.mark.parametrize(
    ("default", "value", "words"),
    [
        ("2000.0", "lots", "expected a number.*default 2000.0 in n.ipynb.*'lots'"),
        ("2000.0", True, "a number"),
        ("5", 2.5, "a whole number"),
        ("5", 1e3, "Write 1000"),
        ("True", 1, "true or false"),
        ("'auto'", 3, "text.*Put quotes around it: -p a '\"3\"'"),
        ("[1, 3]", 2, "a list"),
        ("{}", [1], "a dictionary"),
        ("5", None, "a whole number"),
    ],
)
def test_a_value_of_another_type_is_refused(write_notebook, default, value, words):
    path = write_notebook("n", parameters=f"a = {default}")
    with pytest.raises(ValueError, match=f"-p a: .*{words}"):
        parameters_for([path], {"a": value}, fast=False)


def test_small_parameters_come_from_the_metadata(write_notebook):
    path = write_notebook("n", metadata={"deployworkbook": {"fast": {"a": 0}}})
    assert fast_parameters(path) == {"a": 0}
    assert fast_parameters(write_notebook("plain")) == {}
    broken = write_notebook("broken", metadata={"deployworkbook": {"fast": [1]}})
    with pytest.raises(ValueError, match="a dictionary"):
        fast_parameters(broken)


def test_given_parameters_override_fast_ones_in_notebooks_that_declare_them(write_notebook):
    small = {"deployworkbook": {"fast": {"a": 0, "b": 0}}}
    first = write_notebook("first", parameters="a = 1\nb = 1", metadata=small)
    second = write_notebook("second", parameters="c = 1")
    given = {"a": 5, "c": 7}
    assert parameters_for([first, second], given, fast=True) == [{"a": 5, "b": 0}, {"c": 7}]
    assert parameters_for([first, second], given, fast=False) == [{"a": 5}, {"c": 7}]


def test_an_unknown_parameter_is_refused_with_a_suggestion(write_notebook):
    path = write_notebook("n", parameters="epochs = 1\nseed = 0")
    with pytest.raises(ValueError, match=r"one of epochs, seed\..*Did you mean epochs\?"):
        parameters_for([path], {"epoch": 2}, fast=False)
