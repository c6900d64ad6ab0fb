"""Ordinary predict requests: read them into arrays, and write their answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import orjson
from numpy.typing import NDArray

from deployworkbook.serving.api.types import DEFAULT_SIGNATURE
from deployworkbook.serving.embedded.bodies import error_body
from deployworkbook.serving.embedded.budget import Account, MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.json_tensors import (
    read_inputs,
    read_signature_name,
    write_outputs,
)
from deployworkbook.serving.embedded.json_writing import written_bytes
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.protos import type_name
from deployworkbook.serving.embedded.servable import Servable, ServableSignature
from deployworkbook.serving.embedded.service import Service
from deployworkbook.serving.embedded.tensors import bytes_of

log = logging.getLogger(__name__)

Array = NDArray[Any]
# Longer bodies take long to parse, which the event loop mustn't do.
LARGEST_BODY_BYTES = 32 * 1024
# An upper bound for the memory of a document per byte of its text.
_DOCUMENT_BYTES = 512


@dataclass(eq=False)
class ExpressRequest:
    """A request whose arrays have been read, and the version that answers it.

    Args:
        started: When the request came.
        lent: What lends the version.
        servable: The version.
        signature: The signature that it asks for.
        arrays: Its inputs.
        rows: Whether it was in row format.
        account: Its memory.
        size_bits: The number of digits of its inputs' size, as a binary number.
    """

    started: float
    lent: AbstractContextManager[Servable]
    servable: Servable
    signature: ServableSignature
    arrays: Mapping[str, Array]
    rows: bool
    account: Account
    size_bits: int

    def give_back(self) -> None:
        """Let the version be unloaded."""
        self.lent.__exit__(None, None, None)

    def close(self) -> None:
        """Return the memory, once the answer is sent."""
        self.account.__exit__(None, None, None)


class ExpressRequests:
    """Reads requests and writes answers.

    Args:
        service: Lends the models.
        metrics: Counts the requests.
        budget: Memory for requests.
    """

    def __init__(self, service: Service, metrics: Metrics, budget: MemoryBudget) -> None:
        self._service = service
        self._metrics = metrics
        self._budget = budget
        self.largest_body_bytes = min(LARGEST_BODY_BYTES, budget.request_bytes // _DOCUMENT_BYTES)

    def read(self, spec: Any, body: bytes) -> ExpressRequest | None:
        """Read a request; ``None`` if ``rest`` has to, since something is unusual or wrong.

        orjson reads what it accepts just as our own parser does, except for whole numbers beyond
        64 bits. Those become floats: equal for inputs of floats, and wrong for all others, which
        ``rest`` then reads again.

        Args:
            spec: The model that it asks for.
            body: Its body, of up to ``largest_body_bytes``.
        """
        started = time.perf_counter()
        try:
            document = orjson.loads(body)
            if type(document) is not dict:
                return None
            name = read_signature_name(document) or DEFAULT_SIGNATURE
            lent = self._service.servable(spec)
            servable = lent.__enter__()
        except (ServingError, ValueError):
            return None
        account = self._budget.account()
        account.__enter__()
        try:
            signature = servable.signatures[name]
            types = {alias: type_name(kind) for alias, _, kind in signature.inputs}
            arrays, rows = read_inputs(document, types, booleans=_may_hold_booleans(body))
            size_bytes = sum(map(bytes_of, arrays.values()))
            # Twice, because the graph may copy them.
            account.reserve(2 * size_bytes, "the inputs")
        except Exception:  # ``rest`` will meet it again, and knows what to answer
            account.__exit__(None, None, None)
            lent.__exit__(None, None, None)
            return None
        return ExpressRequest(
            started, lent, servable, signature, arrays, rows, account, size_bytes.bit_length()
        )

    def answer(
        self, request: ExpressRequest, compute: Callable[[], Mapping[str, Array]]
    ) -> tuple[int, bytes]:
        """Compute the outputs of a request; return its answer's status and body."""
        code = Code.INTERNAL
        model = request.servable.name
        try:
            outputs = compute()
            request.account.reserve(sum(map(bytes_of, outputs.values())), "the model's outputs")
            request.account.reserve(sum(map(written_bytes, outputs.values())), "the answer")
            body = write_outputs(outputs, rows=request.rows).encode()
            code = Code.OK
        except ServingError as error:
            code = error.code
            return error.http_status, error_body(error.text)
        except Exception as error:
            log.exception("A request failed")
            return 500, error_body(f"{type(error).__name__}: {error}")
        finally:
            self._metrics.requests.add(model, code.name)
        microseconds = (time.perf_counter() - request.started) * 1e6
        self._metrics.request_latency.observe(model, "predict", "REST", value=microseconds)
        return 200, body


def _may_hold_booleans(body: bytes) -> bool:
    """Return whether the letters of ``true`` or ``false`` occur after the first bracket.

    >>> _may_hold_booleans(b'{"inputs": [1.5, 2e-3]}'), _may_hold_booleans(b'{"inputs": [true]}')
    (False, True)
    """
    start = body.find(b"[")
    return start < 0 or body.find(b"u", start) > 0 or body.find(b"s", start) > 0
