"""The client over REST."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import numpy as np
import tenacity
from numpy.typing import ArrayLike, NDArray

from deployworkbook.serving.api.addresses import read_endpoint
from deployworkbook.serving.api.arrays import STRING, as_array, dtype_of, type_name_of_enum
from deployworkbook.serving.api.codes import Code, code_of_http
from deployworkbook.serving.api.types import (
    ModelMetadata,
    ModelSpec,
    Prediction,
    Signature,
    TensorSpec,
    VersionStatus,
)
from deployworkbook.serving.client.base import DEFAULT_DEADLINE_S, Client, seconds_left
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.tls_faults import TlsError, fault_of
from deployworkbook.serving.client.unreachable import Cause, cause_of, unreachable
from deployworkbook.serving.security.trust import Trust
from deployworkbook.validation import describe, type_error, value_error

_CHUNK_BYTES = 2**16


class RestClient(Client):
    """A client over REST and JSON, for one thread at a time: it has one connection.

    JSON has no types, so the client looks up the names and types of the outputs once, in the
    model's metadata. An answer doesn't say which version gave it.

    Args:
        address: ``http://HOST:PORT`` or ``https://HOST:PORT``.
        deadline_s: How long a call may take, including retries and look-ups.
        trust: Whom to trust with ``https://`` (default: whom this machine trusts).
        token: The token that the server wants.

    Raises:
        ValueError: The address has another form.
    """

    has_types = False

    def __init__(
        self,
        address: str,
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
        trust: Trust | None = None,
        token: str | None = None,
    ) -> None:
        endpoint = read_endpoint(address)
        if not endpoint.is_rest:
            expected = "http://HOST:PORT or https://HOST:PORT"
            raise value_error("address", received=repr(address), expected=expected)
        super().__init__(endpoint.address, deadline_s=deadline_s)
        self._endpoint = endpoint
        self._trust = trust or Trust()
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        # http.client ignores the proxies that the environment names.
        self._connection = (
            http.client.HTTPSConnection(endpoint.host, endpoint.port, context=self._trust.context())
            if endpoint.is_tls
            else http.client.HTTPConnection(endpoint.host, endpoint.port)
        )
        self._base = endpoint.path

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _array(self, name: str, value: ArrayLike) -> NDArray[Any]:
        return json_array(name, value)

    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction:
        body = predict_body(spec, arrays)
        answer = self._ask("POST", f"{path_of(spec)}:predict", until, body)
        wanted = self._signature(spec, until).outputs
        with _of_the_api(answer):
            given = answer["outputs"]
            # A model with one output answers with its values only.
            by_name = {next(iter(wanted)): given} if len(wanted) == 1 else given
            outputs = {name: _array(values, wanted[name].dtype) for name, values in by_name.items()}
        return Prediction(outputs, spec.model, spec.version)

    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata:
        answer = self._ask("GET", f"{path_of(spec)}/metadata", until)
        with _of_the_api(answer):
            version = int(answer["model_spec"]["version"])
            signatures = {
                name: Signature(
                    _tensors(given["inputs"]), _tensors(given["outputs"]), given["method_name"]
                )
                for name, given in answer["metadata"]["signature_def"]["signature_def"].items()
            }
        return ModelMetadata(spec.model, version, dict(sorted(signatures.items())))

    def _status(self, spec: ModelSpec, until: float) -> list[VersionStatus]:
        answer = self._ask("GET", path_of(spec), until)
        with _of_the_api(answer):
            return [
                VersionStatus(
                    int(given["version"]), given["state"], given["status"]["error_message"]
                )
                for given in answer["model_version_status"]
            ]

    def _ask(self, method: str, path: str, until: float, body: bytes | None = None) -> Any:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: (
                    isinstance(error, RequestError)
                    and error.code is Code.UNAVAILABLE
                    and not isinstance(error, TlsError)
                )
            ),
            wait=tenacity.wait_exponential(multiplier=0.1, max=1) + tenacity.wait_random(0, 0.05),
            stop=tenacity.stop_after_attempt(5) | tenacity.stop_before_delay(seconds_left(until)),
            reraise=True,
        )
        return retrying(self._ask_once, method, self._base + path, until, body)

    def _ask_once(self, method: str, path: str, until: float, body: bytes | None) -> Any:
        try:
            return _read(*self._exchange(method, path, until, body))
        except TimeoutError as error:
            said = "the deadline passed before it was answered"
            raise RequestError(Code.DEADLINE_EXCEEDED, said) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception, code: Code = Code.UNAVAILABLE) -> RequestError:
        cause = cause_of(error)
        if cause in (Cause.TLS, Cause.CLOSED):
            fault = fault_of(self._endpoint, self._trust if self._endpoint.is_tls else None)
            if fault is not None:
                return fault
        return unreachable(self.address, cause, _words(error), code=code)

    def _connect(self, until: float) -> None:
        self._connection.timeout = seconds_left(until)
        try:
            self._connection.connect()
        except (OSError, UnicodeError) as error:
            code = Code.DEADLINE_EXCEEDED if isinstance(error, TimeoutError) else Code.UNAVAILABLE
            raise self._unreachable(error, code) from error

    def _exchange(
        self, method: str, path: str, until: float, body: bytes | None
    ) -> tuple[int, bytes]:
        connection = self._connection
        is_whole = False
        try:
            if connection.sock is None:
                self._connect(until)
            line = connection.sock
            line.settimeout(seconds_left(until))
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            content = bytearray()
            # The socket's timeout limits each wait, not their sum.
            while chunk := answer.read1(_CHUNK_BYTES):
                content += chunk
                line.settimeout(seconds_left(until))
            # read1 leaves a response open even at its end, and the connection would refuse the next
            # request.
            answer.close()
            is_whole = True
            return answer.status, bytes(content)
        finally:
            if not is_whole:
                connection.close()


def _words(error: Exception) -> str:
    # What isn't HTTP may not be text either.
    printable = "".join(letter if letter.isprintable() else " " for letter in str(error))
    return " ".join(printable.split()) or type(error).__name__


def path_of(spec: ModelSpec) -> str:
    """Return a model's URL path, without the method.

    >>> path_of(ModelSpec("digits", label="stable"))
    '/v1/models/digits/labels/stable'
    """
    path = f"/v1/models/{quote(spec.model, safe='')}"
    if spec.version is not None:
        return f"{path}/versions/{spec.version}"
    if spec.label is not None:
        return f"{path}/labels/{quote(spec.label, safe='')}"
    return path


def json_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Convert an input as ``as_array`` does, but for JSON, where no type needs narrowing.

    Raises:
        TypeError: No model takes such values, or JSON has no such numbers.
        ValueError: As for ``as_array``.

    >>> json_array("x", [0.1]).dtype
    dtype('float64')
    """
    array = as_array(name, value, narrow=False)
    if array.dtype.kind == "c":
        raise type_error(
            name,
            received=describe(value),
            expected="real numbers, since JSON has no complex ones",
            remedy='Send them over gRPC: connect("HOST:8500").',
        )
    return array


def predict_body(spec: ModelSpec, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write a prediction's body, in the API's column format.

    Args:
        spec: Which model.
        arrays: Its inputs, from ``json_array``.
    """
    inputs = {name: _values(array) for name, array in arrays.items()}
    return json.dumps({"signature_name": spec.signature, "inputs": inputs}).encode()


def _values(array: NDArray[Any]) -> Any:
    if array.dtype != object:
        return array.tolist()
    return np.vectorize(_text_or_base64, otypes=[object])(array).tolist() if array.size else []


def _text_or_base64(value: str | bytes) -> str | dict[str, str]:
    if isinstance(value, str):
        return value
    return {"b64": base64.b64encode(value).decode()}


def _array(values: Any, dtype: str) -> NDArray[Any]:
    if dtype != STRING:
        return np.array(values, dtype_of(dtype))
    flat = np.array(values, object)
    return np.vectorize(_bytes, otypes=[object])(flat) if flat.size else flat


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _read(status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content)
    except ValueError as error:
        code = Code.INTERNAL if status == 200 else code_of_http(status)
        said = f"HTTP {status} without JSON: {content[:80]!r}"
        raise RequestError(code, said) from error
    if status != 200:
        said = answer.get("error", "") if isinstance(answer, dict) else ""
        raise RequestError(code_of_http(status), said or f"HTTP {status}")
    return answer


@contextmanager
def _of_the_api(answer: Any) -> Iterator[None]:
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        said = f"the answer is not one of TensorFlow Serving's API: {str(answer)[:80]}"
        raise RequestError(Code.INTERNAL, said) from error


def _tensors(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    found = {}
    for name, info in sorted(infos.items()):
        shape = info["tensor_shape"]
        sizes = (int(dim["size"]) for dim in shape["dim"])
        found[name] = TensorSpec(
            type_name_of_enum(info["dtype"]),
            None if shape["unknown_rank"] else tuple(s if s >= 0 else None for s in sizes),
        )
    return found
