"""The client over gRPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from deployworkbook.serving.api import messages
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
from deployworkbook.serving.client.base import DEFAULT_DEADLINE_S, Client, seconds_left
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.loopback import is_loopback
from deployworkbook.serving.client.remedies import not_there

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

_STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}

# gRPC's own: it adds jitter of a fifth to the waits, and ends with the call's deadline.
_RETRIES = {
    "methodConfig": [
        {
            "name": [
                {"service": PREDICTION_SERVICE},
                {"service": MODEL_SERVICE, "method": "GetModelStatus"},
            ],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

CHANNEL_OPTIONS = [
    ("grpc.service_config", json.dumps(_RETRIES)),
    # gRPC's default is 4 MB, which a batch of images exceeds.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A server that has just been started is found at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
]


class GrpcClient(Client):
    """A client over gRPC; threads may share it.

    Args:
        address: ``HOST:PORT``.
        deadline_s: How long a call may take, tries and look-ups included.
        credentials: Of TLS; ``None`` for a server without.
    """

    def __init__(
        self,
        address: str,
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        super().__init__(address, deadline_s=deadline_s)
        options = [*CHANNEL_OPTIONS]
        if is_loopback(address.rpartition(":")[0]):
            # A proxy that the environment names is not for this machine.
            options.append(("grpc.enable_http_proxy", 0))
        self._channel = (
            grpc.insecure_channel(address, options)
            if credentials is None
            else grpc.secure_channel(address, credentials, options)
        )
        self._methods: dict[str, Any] = {}

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def reload_config(
        self, models: Mapping[str, ServedModel], *, deadline_s: float | None = None
    ) -> None:
        """Tell the server which models it is to serve: all of them, since others are unloaded.

        Args:
            models: What is served, by the model's name; an empty mapping unloads all.
            deadline_s: How long the server may take, loading included; by default the client's.

        Raises:
            RequestError: The server refuses, or could not load them all in time.
        """
        request = messages.ReloadConfigRequest(config=config_of(models))
        answer = self._call(
            MODEL_SERVICE,
            "HandleReloadConfigRequest",
            request,
            messages.ReloadConfigResponse,
            self._until(deadline_s),
        )
        if answer.status.error_code:
            raise RequestError(Code(answer.status.error_code), answer.status.error_message)

    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction:
        request = predict_request(spec, arrays)
        answer = self._call(PREDICTION_SERVICE, "Predict", request, messages.PredictResponse, until)
        outputs = {name: to_array(proto) for name, proto in answer.outputs.items()}
        return Prediction(outputs, spec.model, answer.model_spec.version.value)

    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata:
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        _fill(request.model_spec, spec)
        answer = self._call(
            PREDICTION_SERVICE,
            "GetModelMetadata",
            request,
            messages.GetModelMetadataResponse,
            until,
        )
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
        answer = self._call(
            MODEL_SERVICE, "GetModelStatus", request, messages.GetModelStatusResponse, until
        )
        return [
            VersionStatus(
                given.version,
                _STATES.get(given.state, str(given.state)),
                given.status.error_message,
            )
            for given in answer.model_version_status
        ]

    def _call(self, service: str, method: str, request: Any, answer: Any, until: float) -> Any:
        path = f"/{service}/{method}"
        if path not in self._methods:
            self._methods[path] = self._channel.unary_unary(
                path,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=answer.FromString,
            )
        try:
            return self._methods[path](request, timeout=seconds_left(until))
        except grpc.RpcError as error:
            raise self._error(error) from error
        except DecodeError as error:
            said = f"the answer is not one of TensorFlow Serving's API ({error})"
            raise RequestError(Code.INTERNAL, said) from error

    def _error(self, error: Any) -> RequestError:
        code, said = Code(error.code().value[0]), error.details() or "no more was said"
        if code is Code.UNAVAILABLE and any(sign in said for sign in _CONNECTION_SIGNS):
            return not_there(self.address, said)
        return RequestError(code, said)


# How gRPC words that it has no connection; the codes do not tell it from a server that is busy.
_CONNECTION_SIGNS = (
    "failed to connect",
    "Failed to connect",
    "connections to all backends failing",
    "DNS resolution failed",
    "Socket closed",
    "http1.x server",
    "Connection reset",
)


def predict_request(spec: ModelSpec, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Write the message of a prediction.

    Args:
        spec: Which model.
        arrays: Its inputs, as ``as_array`` makes them.
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
