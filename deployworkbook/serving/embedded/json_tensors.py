"""Predict over REST: convert JSON in row or column format to arrays, and arrays to JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.errors import ServingError, invalid
from deployworkbook.serving.embedded.json_numbers import Numbers
from deployworkbook.serving.embedded.json_text import format_error, is_base64, quote
from deployworkbook.serving.embedded.json_values import quick_array, to_array
from deployworkbook.serving.embedded.json_writing import write_array

Array = NDArray[Any]


def read_signature_name(document: Mapping[str, Any]) -> str:
    """Return a request's signature name; empty if it has none.

    Raises:
        ServingError: The name isn't a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def read_inputs(
    document: Mapping[str, Any], types: Mapping[str, str], *, booleans: bool = True
) -> tuple[dict[str, Array], bool]:
    """Read the tensors of a predict request.

    Args:
        document: The request.
        types: TensorFlow's name for the type of each input of the signature.
        booleans: Whether there may be booleans among the values.

    Returns:
        The arrays, and whether the request was in row format.

    Raises:
        ServingError: The request is in neither or both formats, or its values don't fit.
    """
    if "instances" not in document:
        if "inputs" not in document:
            raise invalid("Missing 'inputs' or 'instances' key")
        return _columns(document["inputs"], types, booleans), False
    if "inputs" in document:
        raise format_error(
            document,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    rows = document["instances"]
    if isinstance(rows, Numbers):
        if len(types) == 1:
            return {name: to_array(rows, kind) for name, kind in types.items()}, True
        rows = rows.plain()
    if not isinstance(rows, list):
        raise format_error(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise format_error(document, "No values in 'instances' array")
    return _rows(rows, types, booleans), True


def write_outputs(outputs: Mapping[str, Array], *, rows: bool) -> str:
    """Write a model's outputs in the request's format.

    Raises:
        ServingError: The outputs differ in their number of rows, or JSON can't represent them.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if not rows:
        written = {name: _written(name, array) for name, array in outputs.items()}
        inner = _object(written, 4) if len(written) > 1 else next(iter(written.values()))
        return _object({"outputs": inner}, 0)
    count = -1
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if count not in (-1, len(array)):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {count}"
            )
        count = len(array)
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return _object({"predictions": _written(name, array)}, 0)
    items = [
        " " * 8
        + _object({name: _written(name, array[i, ...]) for name, array in outputs.items()}, 8)
        for i in range(count)
    ]
    listed = "[\n" + ",\n".join(items) + "\n    ]" if items else "[]"
    return _object({"predictions": listed}, 0)


def _written(name: str, array: Array) -> str:
    return write_array(array, as_base64=name.endswith("_bytes"))


def _object(members: Mapping[str, str], indent: int) -> str:
    inner = ",\n".join(f"{' ' * (indent + 4)}{_key(k)}: {v}" for k, v in members.items())
    return f"{{\n{inner}\n{' ' * indent}}}"


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    return json.dumps(name)


def _rows(rows: list[Any], types: Mapping[str, str], booleans: bool) -> dict[str, Array]:
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    if _is_object(rows[0]):
        return _object_rows(rows, types)
    (name,) = types
    quick = quick_array(rows, types[name], booleans=booleans)
    if quick is not None:
        return {name: quick}
    parts: list[Array] = []
    for number, row in enumerate(rows):
        if _is_object(row):
            raise invalid(f"Expecting value/list but got object at item {number} of input list")
        try:
            parts.append(_item(row, types[name], parts))
        except ServingError as error:
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. Error: {error}"
            ) from error
    return {name: np.stack(parts)}


def _object_rows(rows: list[Any], types: Mapping[str, str]) -> dict[str, Array]:
    parts: dict[str, list[Array]] = {name: [] for name in types}
    for number, row in enumerate(rows):
        if not _is_object(row):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        for name, value in row.items():
            try:
                if name not in types:
                    raise invalid(f"JSON object: does not have named input: {name}")
                parts[name].append(_item(value, types[name], parts[name]))
            except ServingError as error:
                raise invalid(
                    f"Failed to process element: {number} key: {name} of 'instances' list. "
                    f"Error: {error}"
                ) from error
        if row.keys() != types.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{quote(row)} keys must be equal to: {','.join(sorted(types))}"
            )
    return {name: np.stack(values) for name, values in parts.items()}


def _item(value: Any, type_name: str, before: list[Array]) -> Array:
    array = to_array(value, type_name)
    if before and before[0].size != array.size:
        raise invalid(f"Expecting tensor size: {before[0].size} but got: {array.size}")
    if before and before[0].shape != array.shape:
        raise invalid(
            f"Expecting shape {_shape_text(before[0].shape)} but got: {_shape_text(array.shape)}"
        )
    return array


def _columns(value: Any, types: Mapping[str, str], booleans: bool) -> dict[str, Array]:
    if not _is_object(value):
        if len(types) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        return {
            name: to_array(value, type_name, booleans=booleans) for name, type_name in types.items()
        }
    arrays = {}
    for name, type_name in types.items():
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        arrays[name] = to_array(value[name], type_name, booleans=booleans)
    return arrays


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
