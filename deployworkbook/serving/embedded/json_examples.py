"""Classify and regress over REST: convert JSON to ``tf.Example``, and results to JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from deployworkbook.serving.embedded.errors import invalid
from deployworkbook.serving.embedded.json_numbers import plain
from deployworkbook.serving.embedded.json_text import (
    decode_base64,
    format_error,
    is_base64,
    kind_of,
)
from deployworkbook.serving.embedded.json_values import to_array
from deployworkbook.serving.embedded.json_writing import decimals
from deployworkbook.serving.embedded.protos import Example, input_pb2

_LISTS = {"bytes": "bytes_list", "float": "float_list", "int64": "int64_list"}


def read_examples(document: Mapping[str, Any]) -> Any:
    """Make the ``Input`` of a classify or regress request.

    Raises:
        ServingError: There are no examples, or a value that a feature can't hold.
    """
    result = input_pb2.Input()
    target: Any = result.example_list
    if "context" in document:
        target = result.example_list_with_context
        target.context.CopyFrom(_example(document["context"]))
    if "examples" not in document:
        raise format_error(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    examples = plain(document["examples"])
    if not isinstance(examples, list):
        raise format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise format_error(document, "'examples' value is an empty array")
    target.examples.extend(_example(value) for value in examples)
    return result


def write_classifications(result: Any) -> str:
    """Write a ``ClassificationResult``: pairs of label and score, one list per example.

    Raises:
        ServingError: The result is empty.
    """
    if not result.classifications:
        raise invalid("Cannot convert empty ClassificationResults to JSON")
    rows = []
    for each in result.classifications:
        scores = decimals(np.array([item.score for item in each.classes], np.float32))
        labels = [json.dumps(item.label, ensure_ascii=False) for item in each.classes]
        pairs = (f"[{a}, {b}]" for a, b in zip(labels, scores, strict=True))
        rows.append(f"[{', '.join(pairs)}]")
    return f'{{\n    "results": [{", ".join(rows)}\n    ]\n}}'


def write_regressions(result: Any) -> str:
    """Write a ``RegressionResult``: one number per example.

    Raises:
        ServingError: The result is empty.
    """
    if not result.regressions:
        raise invalid("Cannot convert empty RegressionResults to JSON")
    values = decimals(np.array([item.value for item in result.regressions], np.float32))
    return f'{{\n    "results": [{", ".join(values)}]\n}}'


def _example(value: Any) -> Any:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {kind_of(value)}")
    example = Example()
    for name, given in value.items():
        content = plain(given)
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add(item, name, feature)
    return example


def _add(value: Any, name: str, feature: Any) -> None:
    """Add a value to a feature; all its values must be of one kind."""
    if (
        value is None
        or isinstance(value, list)
        or (isinstance(value, dict) and not is_base64(value))
    ):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind_of(value)}")
    kind: str
    item: Any
    if isinstance(value, str | dict):
        kind, item = "bytes", value.encode() if isinstance(value, str) else decode_base64(value)
    elif isinstance(value, float) or not -(2**63) <= value < 2**64:
        # A whole number beyond 64 bits is a double, as in TensorFlow Serving's parser.
        kind, item = "float", to_array(value, "float").item()
    else:
        kind, item = "int64", int(value)
        if item >= 2**63:
            raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    held = feature.WhichOneof("kind")
    if held not in (None, _LISTS[kind]):
        expected = held.removesuffix("_list")
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    getattr(feature, _LISTS[kind]).value.append(item)
