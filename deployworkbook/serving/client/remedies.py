"""Say what to do about a failed request, by asking the server what it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import ModelMetadata, ModelSpec, TensorSpec, VersionStatus
from deployworkbook.serving.client.errors import RequestError

# A server's model has this name unless it is told another.
DEFAULT_MODEL = "default"


@dataclass(frozen=True)
class Lookups:
    """How to ask the server what it has; each call may raise a ``RequestError``.

    Args:
        metadata: Asks for a model's signatures.
        status: Asks for a model's versions.
        has_types: Whether requests state the types of inputs, which must then be right.
    """

    metadata: Callable[[ModelSpec], ModelMetadata]
    status: Callable[[ModelSpec], list[VersionStatus]]
    has_types: bool = True


def remedy_for(
    error: RequestError,
    spec: ModelSpec,
    arrays: Mapping[str, NDArray[Any]],
    lookups: Lookups,
) -> str:
    """Say what to do, in a sentence or two; say nothing if the cause is unknown.

    Args:
        error: The error.
        spec: The model that was asked.
        arrays: The inputs it was given.
        lookups: Calls to the same server.
    """
    if error.remedy:
        return error.remedy
    try:
        match error.code:
            case Code.UNAVAILABLE:
                return (
                    "The server answers, but it is overloaded or not ready. Send fewer requests "
                    "at once, or try again later."
                )
            case Code.DEADLINE_EXCEEDED:
                return (
                    "It was not sent again, since the first may still be running. Send fewer "
                    "examples at once, allow more time with deadline_s=…, or check the server's "
                    "load."
                )
            case Code.NOT_FOUND:
                return _not_found(spec, lookups)
            case Code.UNAUTHENTICATED:
                return (
                    "Pass the token that the server's operator has given you: "
                    "connect(…, token=Path('FILE'))."
                )
            case Code.RESOURCE_EXHAUSTED if "--rate_limit" in error.said:
                return "Send requests no faster than that, or several examples in each."
            case Code.RESOURCE_EXHAUSTED:
                return (
                    "Send fewer examples at once, or fewer requests; the server's limits are its "
                    "--max_request_bytes and --max_concurrent_requests, or those of gRPC."
                )
            case Code.UNIMPLEMENTED:
                if lookups.has_types:
                    return "The server lacks this. Is it TensorFlow Serving's gRPC port?"
                return 'Over REST the server can\'t do this. Try gRPC: connect("HOST:8500").'
            case Code.INVALID_ARGUMENT | Code.FAILED_PRECONDITION:
                return _invalid(error, spec, arrays, lookups)
    except RequestError:
        # The look-up failed too.
        return ""
    return ""


def _not_found(spec: ModelSpec, lookups: Lookups) -> str:
    try:
        known = lookups.status(replace(spec, version=None, label=None))
    except RequestError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return _no_such_model(spec, lookups)
    return f"{_versions(spec, known)} Leave version out for the newest."


def _no_such_model(spec: ModelSpec, lookups: Lookups) -> str:
    name_says = (
        "A model's name is the server's --model_name (MODEL_NAME in the container, name in a "
        "--model_config_file); the API does not list them."
    )
    if spec.model == DEFAULT_MODEL:
        return name_says
    try:
        lookups.status(ModelSpec(DEFAULT_MODEL))
    except RequestError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return name_says
    return f"This server has a model named {DEFAULT_MODEL!r}. {name_says}"


def _versions(spec: ModelSpec, known: list[VersionStatus]) -> str:
    available = [str(status.version) for status in known if status.is_available]
    failed = [f"version {status.version}: {status.error}" for status in known if status.error]
    text = (
        f"Of {spec.model!r}, the server has version {', '.join(available)}."
        if available
        else f"Of {spec.model!r}, the server has no version ready."
    )
    return f"{text} Not loaded: {'; '.join(failed)}." if failed else text


def _invalid(
    error: RequestError, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], lookups: Lookups
) -> str:
    if "label" in error.said:
        known = lookups.status(replace(spec, version=None, label=None))
        return (
            f"{_versions(spec, known)} Set labels with version_labels in the server's "
            "--model_config_file, or with reload_config."
        )
    metadata = lookups.metadata(spec)
    if spec.signature not in metadata.signatures:
        names = ", ".join(repr(name) for name in sorted(metadata.signatures))
        return f"Version {metadata.version} has the signatures {names}."
    inputs = metadata.signatures[spec.signature].inputs
    takes = "; ".join(f"{name!r}: {wanted}" for name, wanted in sorted(inputs.items()))
    text = f"Signature {spec.signature!r} takes {takes}."
    sent = "; ".join(f"{name!r}: {_form(array)}" for name, array in sorted(arrays.items()))
    if not sent:
        return f"{text} Pass them by name: {{name: array}}."
    text = f"{text} Sent: {sent}."
    casts = [
        f"{name}.astype({inputs[name].dtype!r})"
        for name, array in sorted(arrays.items())
        if name in inputs and _dtype(array) not in ("string", inputs[name].dtype)
    ]
    return f"{text} Send {', '.join(casts)}." if casts and lookups.has_types else text


def _dtype(array: NDArray[Any]) -> str:
    return "string" if array.dtype == object else str(array.dtype.name)


def _form(array: NDArray[Any]) -> str:
    return str(TensorSpec(_dtype(array), array.shape))
