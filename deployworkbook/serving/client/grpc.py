"""The client over gRPC."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from deployworkbook.serving.api import messages
from deployworkbook.serving.api.addresses import is_loopback, read_endpoint
from deployworkbook.serving.api.arrays import to_array, to_proto, type_name
from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.model_config import ServedModel, config_of
from deployworkbook.serving.api.types import (
    ModelMetadata,
    ModelSpec,
    Prediction,
    Signature,
    TensorSpec,
    VersionStatus,
)
from deployworkbook.serving.client.base import DEFAULT_DEADLINE_S, LOOKUP_S, Client, seconds_left
from deployworkbook.serving.client.channels import (
    CHANNEL_OPTIONS,
    MODEL_SERVICE,
    PREDICTION_SERVICE,
)
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.tls_faults import fault_of
from deployworkbook.serving.client.unreachable import Cause, cause_of_text, unreachable
from deployworkbook.serving.security.trust import Trust
from deployworkbook.validation import value_error

# By method: its service, and the message of its answer.
_METHODS = {
    "Predict": (PREDICTION_SERVICE, messages.PredictResponse),
    "GetModelMetadata": (PREDICTION_SERVICE, messages.GetModelMetadataResponse),
    "GetModelStatus": (MODEL_SERVICE, messages.GetModelStatusResponse),
    "HandleReloadConfigRequest": (MODEL_SERVICE, messages.ReloadConfigResponse),
}

_STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}


class GrpcClient(Client):
    """A client over gRPC; threads may share it.

    Args:
        address: ``HOST:PORT``.
        deadline_s: How long a call may take, including retries and look-ups.
        trust: Whom to trust, for a server with TLS; ``None`` for one without.
        token: The token that the server wants.

    Raises:
        FileNotFoundError: A file of ``trust`` doesn't exist.
        ValueError: The address has another form, or a file holds no certificate.
    """

    def __init__(
        self,
        address: str,
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
        trust: Trust | None = None,
        token: str | None = None,
    ) -> None:
        endpoint = read_endpoint(address)
        if endpoint.is_rest:
            expected = "HOST:PORT, the form for gRPC"
            raise value_error("address", received=repr(address), expected=expected)
        super().__init__(endpoint.address, deadline_s=deadline_s)
        self._endpoint = endpoint
        self._trust = trust
        self._headers = [] if token is None else [("authorization", f"Bearer {token}")]
        credentials = None if trust is None else trust.credentials()
        self._channel = open_channel(self.address, credentials=credentials)
        self._methods = {
            name: self._channel.unary_unary(
                f"/{service}/{name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=answer.FromString,
            )
            for name, (service, answer) in _METHODS.items()
        }

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def reload_config(
        self, models: Mapping[str, ServedModel], *, deadline_s: float | None = None
    ) -> None:
        """Tell the server which models to serve; it unloads all others.

        Args:
            models: The models to serve, by name; none unloads all.
            deadline_s: How long the server may take, including loading (default: the client's
                deadline).

        Raises:
            RequestError: The server refused, or couldn't load all models in time.
        """
        request = messages.ReloadConfigRequest(config=config_of(models))
        answer = self._call("HandleReloadConfigRequest", request, self._until(deadline_s))
        if answer.status.error_code:
            raise RequestError(Code(answer.status.error_code), answer.status.error_message)

    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction:
        request = predict_request(spec, arrays)
        answer = self._call("Predict", request, until)
        outputs = {name: to_array(proto) for name, proto in answer.outputs.items()}
        return Prediction(outputs, spec.model, answer.model_spec.version.value)

    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata:
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        _fill(request.model_spec, spec)
        answer = self._call("GetModelMetadata", request, until)
        signatures = messages.SignatureDefMap()
        signatures.ParseFromString(answer.metadata["signature_def"].value)
        return ModelMetadata(
            spec.model,
            answer.model_spec.version.value,
            {
                name: Signature(_tensors(given.inputs), _tensors(given.outputs), given.method_name)
                for name, given in sorted(signatures.signature_def.items())
            },
        )

    def _status(self, spec: ModelSpec, until: float) -> list[VersionStatus]:
        request = messages.GetModelStatusRequest()
        _fill(request.model_spec, spec)
        answer = self._call("GetModelStatus", request, until)
        return [
            VersionStatus(
                given.version,
                _STATES.get(given.state, str(given.state)),
                given.status.error_message,
            )
            for given in answer.model_version_status
        ]

    def _call(self, method: str, request: Any, until: float) -> Any:
        try:
            return self._methods[method](
                request, timeout=seconds_left(until), metadata=self._headers
            )
        except grpc.RpcError as error:
            raise self._error(error) from error
        except DecodeError as error:
            said = f"the answer is not one of TensorFlow Serving's API ({error})"
            raise RequestError(Code.INTERNAL, said) from error

    def _error(self, error: Any) -> RequestError:
        code, said = Code(error.code().value[0]), error.details() or "no more was said"
        if code is Code.UNAVAILABLE:
            cause, connected = cause_of_text(said), self._is_connected()
            # A busy server and one that is gone have the same code; the channel knows which it is.
            is_gone = cause is not Cause.OTHER if connected is None else not connected
            if is_gone or (cause is Cause.CLOSED and _is_of_grpc(said)):
                fault = None
                if cause not in (Cause.NAME, Cause.REFUSED, Cause.NO_ROUTE):
                    fault = fault_of(self._endpoint, self._trust)
                return fault or unreachable(self.address, cause, said)
        elif code is Code.DEADLINE_EXCEEDED and self._is_connected() is False:
            return unreachable(self.address, Cause.SILENT, said, code=code)
        return RequestError(code, said)

    def _is_connected(self) -> bool | None:
        """Return whether there is or can be a connection; ``None`` if that isn't known."""
        states: queue.SimpleQueue[grpc.ChannelConnectivity] = queue.SimpleQueue()
        told = states.put
        self._channel.subscribe(told, try_to_connect=True)
        until, connected = time.monotonic() + LOOKUP_S, None
        try:
            while (left := until - time.monotonic()) > 0:
                match states.get(timeout=left):
                    case grpc.ChannelConnectivity.READY:
                        return True
                    case grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                        return False
                    case grpc.ChannelConnectivity.CONNECTING:
                        connected = False
        except queue.Empty:
            pass
        finally:
            self._channel.unsubscribe(told)
        return connected


def _is_of_grpc(said: str) -> bool:
    """Return whether a message about a closed connection is from gRPC, not from a server."""
    return said.startswith(("Stream removed", "Socket closed", "recvmsg:", "Connection reset"))


def open_channel(
    address: str,
    options: Sequence[tuple[str, Any]] = CHANNEL_OPTIONS,
    *,
    credentials: grpc.ChannelCredentials | None = None,
) -> grpc.Channel:
    """Open a channel; to this machine, without the proxy that the environment names.

    Args:
        address: ``HOST:PORT``.
        options: The channel's options.
        credentials: TLS credentials; ``None`` for a server without TLS.
    """
    if is_loopback(read_endpoint(address).host):
        options = [*options, ("grpc.enable_http_proxy", 0)]
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


def predict_request(spec: ModelSpec, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Write a prediction's request.

    Args:
        spec: Which model.
        arrays: Its inputs, from ``as_array``.
    """
    request = messages.PredictRequest()
    _fill(request.model_spec, spec)
    request.model_spec.signature_name = spec.signature
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(to_proto(array))
    return request


def _fill(proto: Any, spec: ModelSpec) -> None:
    proto.name = spec.model
    if spec.version is not None:
        proto.version.value = spec.version
    elif spec.label is not None:
        proto.version_label = spec.label


def _tensors(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(
            type_name(info.dtype),
            None
            if info.tensor_shape.unknown_rank
            else tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim),
        )
        for name, info in sorted(infos.items())
    }
