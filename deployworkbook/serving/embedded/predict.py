"""Predict on one loaded version of a model: the checks, their order and their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from deployworkbook.serving.api.types import DEFAULT_SIGNATURE
from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.protos import predict_pb2, type_name
from deployworkbook.serving.embedded.servable import Servable, ServableSignature
from deployworkbook.serving.embedded.tensors import bytes_of, data_type_of, fill_proto, to_array

Array = NDArray[Any]

# Copies of an answer over gRPC: the array, its bytes, the message, and the message's bytes.
ANSWER_COPIES = 4


def predict(servable: Servable, request: Any, account: Account) -> Any:
    """Answer a ``PredictRequest``.

    Raises:
        ServingError: The request doesn't fit the signature, the graph refuses it, or it takes
            too much memory.
    """
    signature = predict_signature(servable, request.model_spec.signature_name)
    given = request.inputs
    _check_names(signature, given)
    defaults = signature.definition.defaults
    held_bytes = account.held_bytes
    arrays = {
        alias: to_array(given[alias] if alias in given else defaults[alias], feed, account)
        for alias, feed, _ in signature.inputs
    }
    inputs_bytes = account.held_bytes - held_bytes
    outputs = predict_arrays(servable, signature, arrays, request.output_filter)
    del arrays
    account.release(inputs_bytes)
    account.reserve(ANSWER_COPIES * sum(map(bytes_of, outputs.values())), "the answer")
    response = predict_pb2.PredictResponse()
    fill_spec(response.model_spec, servable, signature.name)
    for alias, array in outputs.items():
        fill_proto(response.outputs[alias], array)
    return response


def predict_signature(servable: Servable, name: str) -> ServableSignature:
    """Find the signature of a predict request.

    Raises:
        ServingError: The model has no such signature.
    """
    name = name or DEFAULT_SIGNATURE
    signature = servable.signatures.get(name)
    if signature is None:
        raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    return signature


def predict_arrays(
    servable: Servable,
    signature: ServableSignature,
    arrays: Mapping[str, Array],
    output_filter: Iterable[str] = (),
) -> dict[str, Array]:
    """Run a signature on arrays, one per input.

    Args:
        servable: The model.
        signature: One of its signatures.
        arrays: Arrays by alias.
        output_filter: Aliases of the outputs to return; none for all.

    Raises:
        ServingError: A type is wrong, an output is unknown, or the graph refuses the arrays.
    """
    aliases, feeds, fetches, values = computation(signature, arrays, output_filter)
    results = servable.run("Predict", feeds, fetches, values)
    return dict(zip(aliases, results, strict=True))


def computation(
    signature: ServableSignature,
    arrays: Mapping[str, Array],
    output_filter: Iterable[str] = (),
) -> tuple[list[str], list[str], list[str], list[Array]]:
    """Say what to run for a request.

    Args:
        signature: The signature.
        arrays: Arrays by alias.
        output_filter: Aliases of the outputs to return; none for all.

    Returns:
        The outputs' aliases, the names to feed and to fetch, and the values to feed.

    Raises:
        ServingError: A type is wrong, or an output is unknown.
    """
    wanted = list(output_filter) or list(signature.outputs)
    seen = set()
    for alias in wanted:
        if alias not in signature.outputs:
            known = ",".join(signature.outputs)
            raise invalid(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {{{known}}}."
            )
        if alias in seen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
    feeds, values = [], []
    for position, (alias, feed, data_type) in enumerate(signature.inputs):
        array = arrays[alias]
        _check_type(position, array, data_type)
        feeds.append(feed)
        values.append(array)
    # In a fixed order, so that each set of outputs is compiled once.
    aliases = [alias for alias in signature.outputs if alias in seen]
    return aliases, feeds, [signature.outputs[alias] for alias in aliases], values


def fill_spec(spec: Any, servable: Servable, signature_name: str) -> None:
    """Record in an answer which version and signature gave it."""
    spec.name = servable.name
    spec.version.value = servable.version
    spec.signature_name = signature_name


def _check_names(signature: ServableSignature, given: Mapping[str, Any]) -> None:
    if len(given) == len(signature.inputs) and all(
        name in given for name, _, _ in signature.inputs
    ):
        return
    expected = {alias for alias, _, _ in signature.inputs}
    defaults = signature.definition.defaults
    if len(given) > len(expected) or (len(given) < len(expected) and not defaults):
        sent, extra, missing = set(given), set(given) - expected, expected - set(given)
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({{{_joined(sent)}}}) != len({{{_joined(expected)}}}). "
            f"Sent extra: {{{_joined(extra)}}}. Missing but required: {{{_joined(missing)}}}."
        )
    for alias, feed, _ in signature.inputs:
        if alias not in given and alias not in defaults:
            raise invalid(
                f"Signature input alias: {alias}(feed name: {feed}) not found in request and no "
                f"default value provided. Inputs expected to be in the request "
                f"{{{_joined(given)}}}, or default input alias set: {_joined(defaults)}"
            )


def _check_type(position: int, array: Array, wanted: int) -> None:
    sent = data_type_of(array)
    if sent != wanted:
        raise invalid(
            f"Expects arg[{position}] to be {type_name(wanted)} but {type_name(sent)} is provided"
        )


def _joined(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
