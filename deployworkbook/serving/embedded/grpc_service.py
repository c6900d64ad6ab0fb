"""The API over gRPC."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from deployworkbook.serving.api.addresses import host_and_port
from deployworkbook.serving.embedded.budget import FREE_BYTES, Account, MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.guard import Guard
from deployworkbook.serving.embedded.ports import bound
from deployworkbook.serving.embedded.protos import model_service_pb2, prediction_service_pb2
from deployworkbook.serving.embedded.service import Service
from deployworkbook.serving.embedded.wire import parsed_bytes

log = logging.getLogger(__name__)

Act = Callable[[Any, Account], Any]

LARGEST_HEADERS_BYTES = 16 * 1024
_STATUS = {code.value[0]: code for code in grpc.StatusCode}
_PREDICTION = prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"]
_MODEL = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]


class GrpcServer:
    """A gRPC server for both services, with reflection and an optional health check.

    It uses threads, which batching may block. Measured against ``grpc.aio``, they were as fast or
    faster.

    Args:
        service: Answers the requests.
        options: Address and limits.
        budget: Memory for requests.
        credentials: TLS credentials; ``None`` for no TLS.
        guard: Admits calls; ``None`` to admit all. Health checks need no admission, since
            Kubernetes sends them without a secret; with tokens there is no reflection.
        shared: Share the port with other workers.
    """

    def __init__(
        self,
        service: Service,
        options: Options,
        budget: MemoryBudget,
        *,
        credentials: Any = None,
        guard: Guard | None = None,
        shared: bool = False,
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._server = grpc.server(
            ThreadPoolExecutor(options.max_concurrent_requests, thread_name_prefix="grpc"),
            maximum_concurrent_rpcs=options.max_concurrent_requests,
            options=[
                ("grpc.max_receive_message_length", options.max_request_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", LARGEST_HEADERS_BYTES),
                ("grpc.absolute_max_metadata_size", LARGEST_HEADERS_BYTES),
                ("grpc.max_allowed_incoming_connections", options.max_connections),
                # Otherwise a second server on the same port would get half of the requests.
                ("grpc.so_reuseport", int(shared)),
            ],
        )
        self._health = health.HealthServicer()
        names = [_PREDICTION.full_name, _MODEL.full_name, reflection.SERVICE_NAME]
        self._server.add_generic_rpc_handlers(_handlers(service, budget, guard))
        if options.enable_grpc_healthcheck_service:
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
            names.append(health.SERVICE_NAME)
        if guard is None or guard.tokens is None:
            reflection.enable_server_reflection(names, self._server)

    def start(self) -> None:
        """Open the port.

        Raises:
            OSError: The port is taken, or the address isn't this machine's.
        """
        address = host_and_port(self._options.host, self._options.port)
        try:
            if self._credentials is None:
                self._server.add_insecure_port(address)
            else:
                self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            # gRPC doesn't say why it failed; binding the port ourselves tells the reason.
            bound(self._options.host, self._options.port).close()
            raise OSError(f"Can't listen on {address}: {error}") from error
        self._server.start()
        for name in ("", _PREDICTION.full_name, _MODEL.full_name):
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, seconds: float) -> None:
        """Accept no more requests, and give the running ones some time."""
        self._health.enter_graceful_shutdown()
        self._server.stop(seconds).wait()


def _handlers(
    service: Service, budget: MemoryBudget, guard: Guard | None
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Make a handler per service; gRPC answers other methods with UNIMPLEMENTED."""
    counted = {
        "Predict": service.predict,
        "Classify": service.classify,
        "Regress": service.regress,
        "MultiInference": service.multi_inference,
    }
    acts: dict[str, Act] = {
        **{name: partial(_counted, service, name, act) for name, act in counted.items()},
        "GetModelMetadata": lambda request, _: service.metadata(request),
        "GetModelStatus": lambda request, _: service.status(request),
        "HandleReloadConfigRequest": lambda request, _: service.reload(request),
    }
    return tuple(
        grpc.method_handlers_generic_handler(
            descriptor.full_name,
            {
                method.name: grpc.unary_unary_rpc_method_handler(
                    _guarded(
                        _answer(acts[method.name], GetMessageClass(method.input_type), budget),
                        guard,
                    )
                )
                for method in descriptor.methods
                if method.name in acts
            },
        )
        for descriptor in (_PREDICTION, _MODEL)
    )


def _guarded(
    answer: Callable[[bytes, Any], bytes], guard: Guard | None
) -> Callable[[bytes, Any], bytes]:
    if guard is None:
        return answer

    def admitted(body: bytes, context: grpc.ServicerContext) -> bytes:
        guard.admit_call(context)
        return answer(body, context)

    return admitted


def _counted(service: Service, api: str, act: Act, request: Any, account: Account) -> Any:
    # A MultiInferenceRequest has a model per task.
    asked = request.tasks[:1] if api == "MultiInference" else [request]
    model = "".join(each.model_spec.name for each in asked)
    return service.counted(model, api=api, entrypoint="GRPC", act=lambda: act(request, account))


def _answer(act: Act, kind: Any, budget: MemoryBudget) -> Callable[[bytes, Any], bytes]:
    """Make a handler for bytes, so that a malformed request is the client's error, not ours."""

    def answer(body: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            with budget.account() as account:
                size_bytes = parsed_bytes(body, kind.DESCRIPTOR, most=budget.request_bytes)
                account.reserve(size_bytes, "the message")
                answered: bytes = act(_parsed(body, kind), account).SerializeToString()
                if len(answered) > FREE_BYTES:
                    _hold_until_sent(account, context)
                return answered
        except ServingError as error:
            wrong = error
        except Exception as error:
            log.exception("A request failed")
            wrong = ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}")
        context.abort(_STATUS[wrong.code], wrong.grpc_text)
        raise AssertionError  # abort raises

    return answer


def _hold_until_sent(account: Account, context: grpc.ServicerContext) -> None:
    """Hold a request's memory until its answer was sent or its client has disconnected."""
    account.__enter__()
    if not context.add_callback(lambda: account.__exit__(None, None, None)):
        account.__exit__(None, None, None)


def _parsed(body: bytes, kind: Any) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise invalid(f"The bytes are no {kind.DESCRIPTOR.full_name}") from error
