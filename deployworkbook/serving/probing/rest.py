"""Ask a server of TensorFlow Serving's REST API, with Python's standard library alone.

``client`` has a better client, which needs NumPy and gRPC. This one runs wherever Python is, and
shares no code with the server that it checks.
"""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit


class UnreachableError(ConnectionError):
    """No answer came."""


class RefusedError(ConnectionError):
    """An answer came, but an error or something else than was asked for."""


class RestServer:
    """A server of TensorFlow Serving's REST API.

    Args:
        address: ``http://HOST:PORT`` or ``https://HOST:PORT``, with a path if a proxy adds one.
        within_s: How long each answer may take.
    """

    def __init__(self, address: str, *, within_s: float = 30.0) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"address: expected http://HOST:PORT, since the checks go over REST. Received: "
                f"{address!r}. TensorFlow Serving's REST port is usually 8501."
            )
        kind = http.client.HTTPConnection if parts.scheme == "http" else http.client.HTTPSConnection
        # http.client ignores the proxies that the environment names.
        self._connection = kind(parts.hostname, parts.port, timeout=within_s)
        self._base = parts.path.rstrip("/")
        self.address = address

    def ask(self, path: str, document: Any = None) -> tuple[int, Any]:
        """Send a request: GET, or POST with a document; return the status and the JSON.

        Raises:
            UnreachableError: No answer came.
            RefusedError: The answer isn't JSON.
        """
        body = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            self._connection.request("POST" if body else "GET", self._base + path, body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            reason = str(error) or type(error).__name__
            raise UnreachableError(f"{self.address} doesn't answer: {reason}.") from error
        try:
            return answer.status, json.loads(content)
        except ValueError:
            said = f"{self.address} answers {answer.status} without JSON: {content[:60]!r}."
            raise RefusedError(said) from None

    def metadata(self, model: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
        """Ask for the newest version's number, inputs and outputs.

        Raises:
            UnreachableError: No answer came.
            RefusedError: The server has no such model.
        """
        status, answer = self.ask(f"{model_path(model)}/metadata")
        try:
            signatures = answer["metadata"]["signature_def"]["signature_def"]
            signature = signatures["serving_default"]
            version = int(answer["model_spec"]["version"])
            return version, _tensors(signature["inputs"]), _tensors(signature["outputs"])
        except (KeyError, TypeError, ValueError):
            raise RefusedError(_unexpected(status, answer)) from None

    def scores(self, model: str, instances: list[Any]) -> list[list[float]]:
        """Ask for the scores of images.

        Raises:
            UnreachableError: No answer came.
            RefusedError: The server doesn't predict.
        """
        status, answer = self.ask(f"{model_path(model)}:predict", {"instances": instances})
        try:
            predictions = answer["predictions"]
            if isinstance(predictions[0], dict):  # several outputs: the first has the scores
                predictions = [next(iter(each.values())) for each in predictions]
            return [list(map(float, each)) for each in predictions]
        except (KeyError, IndexError, TypeError, ValueError):
            raise RefusedError(_unexpected(status, answer)) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def model_path(model: str) -> str:
    """Return the path of a model in the API.

    >>> model_path("digits")
    '/v1/models/digits'
    """
    return f"/v1/models/{quote(model, safe='')}"


def error_text(answer: Any) -> str:
    """Return the error that an answer states; empty if it states none."""
    return str(answer.get("error") or "") if isinstance(answer, dict) else ""


def _unexpected(status: int, answer: Any) -> str:
    """Say what came instead of what was asked for; an error's text says it best."""
    return f"the server answers {status}: {error_text(answer) or json.dumps(answer)[:100]}"


def _tensors(infos: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "dtype": info["dtype"],
            "shape": [int(dim["size"]) for dim in info["tensor_shape"]["dim"]],
        }
        for name, info in sorted(infos.items())
    }
