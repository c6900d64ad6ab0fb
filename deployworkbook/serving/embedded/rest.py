"""The API over HTTP and JSON, and the metrics page."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
from anyio import to_thread
from google.protobuf import json_format
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deployworkbook.serving.api.types import DEFAULT_SIGNATURE
from deployworkbook.serving.embedded import demo
from deployworkbook.serving.embedded.bodies import (
    HttpError,
    PiecewiseResponse,
    error_body,
    read_body,
)
from deployworkbook.serving.embedded.budget import Account, MemoryBudget
from deployworkbook.serving.embedded.errors import ServingError, invalid, too_late
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.json_examples import (
    read_examples,
    write_classifications,
    write_regressions,
)
from deployworkbook.serving.embedded.json_tensors import (
    read_inputs,
    read_signature_name,
    write_outputs,
)
from deployworkbook.serving.embedded.json_text import parse_object
from deployworkbook.serving.embedded.json_writing import written_bytes
from deployworkbook.serving.embedded.paths import LOOK, RUN, path_of, spec_of
from deployworkbook.serving.embedded.predict import predict_arrays
from deployworkbook.serving.embedded.protos import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    regression_pb2,
    type_name,
)
from deployworkbook.serving.embedded.service import SIGNATURES, Service
from deployworkbook.serving.embedded.tensors import bytes_of
from deployworkbook.serving.embedded.threads import Threads

log = logging.getLogger(__name__)

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}


class Rest:
    """The API as an ASGI application.

    Args:
        service: Answers the requests.
        options: Limits.
        budget: Memory for requests.
        threads: Answer requests; each does one at a time.
        metrics_path: The path of the metrics page; ``None`` for no page.
    """

    def __init__(
        self,
        service: Service,
        options: Options,
        budget: MemoryBudget,
        threads: Threads,
        *,
        metrics_path: str | None,
    ) -> None:
        self._service = service
        self._budget = budget
        self._options = options
        self._metrics_path = metrics_path
        self._seconds = options.rest_api_timeout_in_ms / 1000
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the ASGI entry point."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        headers = CORS if self._options.rest_api_enable_cors_support else {}
        with self._budget.account() as account:
            response = await self._answered(request, account)
            if response is None:
                return
            response.headers.update(headers)
            with anyio.move_on_after(self._seconds):  # in case the client doesn't read
                await response(scope, receive, send)

    async def _answered(self, request: Request, account: Account) -> Response | None:
        """Answer a request, if need be with an error; ``None`` if its client has disconnected."""
        try:
            return await self._respond(request, account)
        except HttpError as error:
            return _error(error.status, error.text)
        except ServingError as error:
            return _error(error.http_status, error.text)
        except ClientDisconnect:
            return None
        except RecursionError:
            return _error(400, "JSON Parse error: The document is nested too deeply.")
        except Exception as error:
            log.exception("A request failed")
            return _error(500, f"{type(error).__name__}: {error}")

    async def _respond(self, request: Request, account: Account) -> Response:
        target = request.scope["raw_path"].decode("ascii", "replace")
        path = path_of(target)
        if request.method == "GET" and path == demo.PATH and self._options.demo:
            return demo.demo_page(self._service.models())
        query = request.scope["query_string"].decode("ascii", "replace")
        if request.method == "GET" and path == self._metrics_path:
            text = await to_thread.run_sync(self._service.metrics_text)
            return Response(text, media_type="text/plain")
        if not path.lower().startswith("/v1/"):
            return _error(404, "Not Found")
        # As in TensorFlow Serving: a browser's preflight request is answered with or without CORS.
        # The headers tell the browser whether its page may read answers.
        if request.method == "OPTIONS" and request.headers.get("origin"):
            return Response()
        full = f"{path}?{query}" if query else path
        act = self._matched(request.method, full)
        body = await read_body(
            request,
            account,
            most_bytes=self._options.max_request_bytes,
            within_s=self._seconds,
        )
        with anyio.move_on_after(self._seconds):
            text = await self._threads.result(partial(_held, act, body, account))
            return PiecewiseResponse(text.encode(), media_type="application/json")
        account.cancel()
        raise too_late(self._seconds)

    def _matched(self, method: str, path: str) -> Callable[[bytes, Account], str]:
        """Find a request's handler, before its body is read."""
        if method == "POST" and (match := RUN.fullmatch(path)):
            spec = spec_of(match)
            kind = match["method"].lower()
            act = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
            return lambda body, account: self._service.counted(
                spec.name, api=kind, entrypoint="REST", act=lambda: act[kind](spec, body, account)
            )
        if method == "GET" and (match := LOOK.fullmatch(path)):
            if not match["name"]:
                raise invalid("Missing model name in request.")
            look = self._metadata if match["part"] else self._status
            spec = spec_of(match)
            return lambda body, account: look(spec)
        raise invalid(f"Malformed request: {method} {path}")

    def _predict(self, spec: Any, body: bytes, account: Account) -> str:
        """Predict on the model directly, not through ``Service.predict`` as gRPC does.

        JSON is converted to arrays and back; a ``PredictRequest`` in between would copy each
        tensor twice. TensorFlow Serving's message for a missing signature also differs here.
        """
        document = parse_object(body, account)
        name = read_signature_name(document) or DEFAULT_SIGNATURE
        with self._service.servable(spec) as servable:
            signature = servable.signatures.get(name)
            if signature is None:
                raise invalid(f'Serving signature name: "{name}" not found in signature def')
            if not signature.inputs:
                raise invalid(f"Failed to get input map for signature: {name}")
            types = {alias: type_name(kind) for alias, _, kind in signature.inputs}
            arrays, rows = read_inputs(document, types)
            del document
            # Twice, because the graph may copy them.
            account.reserve(2 * sum(map(bytes_of, arrays.values())), "the inputs")
            outputs = predict_arrays(servable, signature, arrays)
            del arrays
            account.reserve(sum(map(bytes_of, outputs.values())), "the model's outputs")
            account.reserve(sum(map(written_bytes, outputs.values())), "the answer")
            return write_outputs(outputs, rows=rows)

    def _classify(self, spec: Any, body: bytes, account: Account) -> str:
        request = classification_pb2.ClassificationRequest(model_spec=spec)
        _read_examples(request, body, account)
        return write_classifications(self._service.classify(request, account).result)

    def _regress(self, spec: Any, body: bytes, account: Account) -> str:
        request = regression_pb2.RegressionRequest(model_spec=spec)
        _read_examples(request, body, account)
        return write_regressions(self._service.regress(request, account).result)

    def _status(self, spec: Any) -> str:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
        return json.dumps(_plain(self._service.status(request)), indent=1)

    def _metadata(self, spec: Any) -> str:
        response = self._service.metadata(
            get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=spec, metadata_field=[SIGNATURES]
            )
        )
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURES].Unpack(signatures)
        parts = {
            "model_spec": _plain(response.model_spec),
            "metadata": {SIGNATURES: _plain(signatures)},
        }
        return json.dumps(parts, indent=1)


def _held(act: Callable[[bytes, Account], str], body: bytes, account: Account) -> str:
    """Run with the account held open, even if the client stops waiting."""
    with account:
        return act(body, account)


def _read_examples(request: Any, body: bytes, account: Account) -> None:
    document = parse_object(body, account)
    request.model_spec.signature_name = read_signature_name(document)
    request.input.CopyFrom(read_examples(document))


def _plain(message: Any) -> Any:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _error(status: int, text: str) -> Response:
    return Response(error_body(text), status, media_type="application/json")
