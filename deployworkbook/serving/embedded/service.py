"""The API, independent of the protocol: messages in and out, errors as ``ServingError``."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.classify_regress import (
    classify,
    examples_of,
    multi_inference,
    regress,
)
from deployworkbook.serving.embedded.config import models_of
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.manager import Manager
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.models import Catalogue
from deployworkbook.serving.embedded.predict import predict
from deployworkbook.serving.embedded.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
)
from deployworkbook.serving.embedded.servable import Servable
from deployworkbook.serving.embedded.workers import Workers

SIGNATURES = "signature_def"
Answer = TypeVar("Answer")


class Service:
    """Answer requests with the loaded models.

    Args:
        manager: Manages the models.
        metrics: Counts the requests.
        workers: The processes that share the ports; ``None`` if this is the only one.
    """

    def __init__(self, manager: Manager, metrics: Metrics, workers: Workers | None = None) -> None:
        self._workers = workers
        self._manager = manager
        self._catalogue: Catalogue = manager.catalogue
        self._metrics = metrics

    def counted(
        self, model: str, *, api: str, entrypoint: str, act: Callable[[], Answer]
    ) -> Answer:
        """Answer a request; count it by outcome and, if it succeeds, record its latency."""
        started = time.perf_counter()
        status = Code.INTERNAL
        try:
            answer = act()
            status = Code.OK
        except ServingError as error:
            status = error.code
            raise
        finally:
            self._metrics.requests.add(model, status.name)
        microseconds = (time.perf_counter() - started) * 1e6
        self._metrics.request_latency.observe(model, api, entrypoint, value=microseconds)
        return answer

    def models(self) -> list[str]:
        """List the names of the models that have an available version."""
        return self._catalogue.names()

    def servable(self, spec: Any) -> AbstractContextManager[Servable]:
        """Lend the version that a ``ModelSpec`` asks for to a request.

        Raises:
            ServingError: The name is missing, or there is no such model or version.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        # 0 means version 0; a missing version means the newest.
        choice = spec.WhichOneof("version_choice")
        return self._catalogue.servable(
            spec.name,
            spec.version.value if choice == "version" else None,
            spec.version_label if choice == "version_label" else None,
        )

    def predict(self, request: Any, account: Account) -> Any:
        """Answer a ``PredictRequest``."""
        return self._run(predict, request, account)

    def classify(self, request: Any, account: Account) -> Any:
        """Answer a ``ClassificationRequest``."""
        answer = self._run(classify, request, account)
        return self._count_examples(request.model_spec.name, request, answer)

    def regress(self, request: Any, account: Account) -> Any:
        """Answer a ``RegressionRequest``."""
        answer = self._run(regress, request, account)
        return self._count_examples(request.model_spec.name, request, answer)

    def multi_inference(self, request: Any, account: Account) -> Any:
        """Answer a ``MultiInferenceRequest``."""
        if not request.tasks:
            raise invalid("ModelSpec has no name specified.")
        with self.servable(request.tasks[0].model_spec) as servable:
            answer = multi_inference(servable, request, account)
        return self._count_examples(servable.name, request, answer)

    def metadata(self, request: Any) -> Any:
        """Answer a ``GetModelMetadataRequest`` with the model's signatures."""
        _check_has_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != SIGNATURES:
                raise invalid(f"Metadata field {name} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap()
        with self.servable(request.model_spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature.definition)
        response.metadata[SIGNATURES].Pack(signatures)
        return response

    def status(self, request: Any) -> Any:
        """Answer a ``GetModelStatusRequest``; a label in it is ignored."""
        _check_has_spec(request)
        spec = request.model_spec
        asked = spec.version.value if spec.WhichOneof("version_choice") == "version" else None
        response = get_model_status_pb2.GetModelStatusResponse()
        versions = self._catalogue.status(spec.name, asked)
        if self._workers is not None:
            versions = self._workers.status(spec.name, asked, versions)
        for version in versions:
            added = response.model_version_status.add()
            added.version = version.number
            added.state = version.state
            added.status.error_code = version.error.code if version.error else Code.OK
            added.status.error_message = version.error.text if version.error else ""
        return response

    def reload(self, request: Any) -> Any:
        """Answer a ``ReloadConfigRequest``: serve exactly the models of its list."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        if self._workers is None:
            self._manager.apply(models_of(request.config))
        else:
            self._workers.reload(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = Code.OK
        return response

    def metrics_text(self) -> str:
        """Write the metrics page."""
        return self._metrics.text() if self._workers is None else self._workers.metrics_text()

    def _count_examples(self, model: str, request: Any, answer: Answer) -> Answer:
        count = len(examples_of(request.input))
        self._metrics.example_counts.observe(model, value=count)
        self._metrics.example_total.add(model, amount=count)
        return answer

    def _run(
        self, act: Callable[[Servable, Any, Account], Any], request: Any, account: Account
    ) -> Any:
        _check_has_spec(request)
        with self.servable(request.model_spec) as servable:
            return act(servable, request, account)


def _check_has_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
