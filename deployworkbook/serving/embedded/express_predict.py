"""Answer ordinary predict requests from the event loop: at once, or by a thread if it takes long.

What it can't read, or only with an error, it leaves to ``rest``, which words the error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from numpy.typing import NDArray

from deployworkbook.serving.api.types import DEFAULT_SIGNATURE
from deployworkbook.serving.embedded.bodies import error_body
from deployworkbook.serving.embedded.budget import Account, MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError, too_late
from deployworkbook.serving.embedded.json_tensors import (
    read_inputs,
    read_signature_name,
    write_outputs,
)
from deployworkbook.serving.embedded.json_writing import written_bytes
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.pace import Pace
from deployworkbook.serving.embedded.predict import predict_arrays
from deployworkbook.serving.embedded.protos import type_name
from deployworkbook.serving.embedded.servable import Servable, ServableSignature
from deployworkbook.serving.embedded.service import Service
from deployworkbook.serving.embedded.tensors import bytes_of
from deployworkbook.serving.embedded.threads import Threads

log = logging.getLogger(__name__)

# Status, body, and the account that holds the body's memory until it is sent.
Reply = Callable[[int, bytes, Account], None]

# Longer bodies take long to parse, which the loop mustn't do.
LARGEST_BODY_BYTES = 32 * 1024
# An upper bound for the memory of a document per byte of its text.
_DOCUMENT_BYTES = 512


class Prepared:
    """A request whose arrays have been read, and the version that answers it.

    Args:
        lent: What lends the version; it must be given back.
        account: The request's memory.
        started: When the request came.
    """

    def __init__(
        self, lent: AbstractContextManager[Servable], account: Account, started: float
    ) -> None:
        self.lent = lent
        self.account = account
        self.started = started
        self.servable: Servable
        self.signature: ServableSignature
        self.arrays: dict[str, NDArray[Any]]
        self.rows = False
        self.kind: tuple[str, int]


class ExpressPredict:
    """Predicts on behalf of the connections' protocol.

    Args:
        service: Lends the models.
        metrics: Counts the requests.
        budget: Memory for requests.
        threads: Run models that aren't short.
        within_s: How long a request may take.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        budget: MemoryBudget,
        threads: Threads,
        *,
        within_s: float,
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._budget = budget
        self._threads = threads
        self.within_s = within_s
        self._paces: WeakKeyDictionary[Servable, Pace] = WeakKeyDictionary()
        most_bytes = budget.request_bytes // _DOCUMENT_BYTES
        self.largest_body_bytes = min(LARGEST_BODY_BYTES, most_bytes)

    def answer(self, spec: Any, body: bytes, reply: Reply) -> bool:
        """Answer a request, now or later; return whether it will be answered.

        Args:
            spec: The model that it asks for.
            body: Its body, of up to ``largest_body_bytes``.
            reply: Sends the answer; called on the event loop.
        """
        prepared = self._prepared(spec, body)
        if prepared is None:
            return False
        pace = self._paces.get(prepared.servable)
        if pace is None:
            pace = self._paces[prepared.servable] = Pace()
        if not prepared.servable.is_batched and pace.is_short(prepared.kind):
            reply(*self._run(prepared, pace), prepared.account)
            self._close(prepared)
        else:
            self._hand_over(prepared, pace, reply)
        return True

    def _prepared(self, spec: Any, body: bytes) -> Prepared | None:
        """Read a request; ``None`` if it is for others to read."""
        started = time.perf_counter()
        try:
            document = orjson.loads(body)
            if type(document) is not dict:
                return None
            name = read_signature_name(document) or DEFAULT_SIGNATURE
            lent = self._service.servable(spec)
            prepared = Prepared(lent, self._budget.account(), started)
            prepared.servable = lent.__enter__()
        except (ServingError, ValueError):
            return None
        prepared.account.__enter__()
        try:
            signature = prepared.servable.signatures[name]
            types = {alias: type_name(kind) for alias, _, kind in signature.inputs}
            prepared.arrays, prepared.rows = read_inputs(document, types)
            prepared.signature = signature
            size_bytes = sum(map(bytes_of, prepared.arrays.values()))
            prepared.account.reserve(2 * size_bytes, "the inputs")
            prepared.kind = name, size_bytes.bit_length()
        except Exception:  # ``rest`` will meet it again
            self._close(prepared)
            return None
        return prepared

    def _hand_over(self, prepared: Prepared, pace: Pace, reply: Reply) -> None:
        """Run the model on a thread, and reply when it is done or too late."""
        loop = asyncio.get_running_loop()
        account = prepared.account
        replied = False

        def send(status: int, body: bytes) -> None:
            nonlocal replied
            if not replied:
                replied = True
                timer.cancel()
                reply(status, body, account)

        def give_up() -> None:
            account.cancel()
            late = too_late(self.within_s)
            send(late.http_status, error_body(late.text))

        def finish(answer: tuple[int, bytes]) -> None:
            send(*answer)
            account.__exit__(None, None, None)

        def run() -> None:
            answer = nothing if replied else self._run(prepared, pace)
            prepared.lent.__exit__(None, None, None)
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(finish, answer)

        nothing = 0, b""
        timer = loop.call_later(self.within_s, give_up)
        self._threads.submit(run)

    def _run(self, prepared: Prepared, pace: Pace) -> tuple[int, bytes]:
        """Run the model; return the answer's status and body."""
        started = time.perf_counter()
        code = Code.INTERNAL
        model = prepared.servable.name
        try:
            text = self._predicted(prepared)
            code = Code.OK
        except ServingError as error:
            code = error.code
            return error.http_status, error_body(error.text)
        except Exception as error:
            log.exception("A request failed")
            return 500, error_body(f"{type(error).__name__}: {error}")
        finally:
            ended = time.perf_counter()
            pace.took(prepared.kind, ended - started)
            self._metrics.requests.add(model, code.name)
        self._metrics.request_latency.observe(
            model, "predict", "REST", value=(ended - prepared.started) * 1e6
        )
        return 200, text.encode()

    def _predicted(self, prepared: Prepared) -> str:
        account = prepared.account
        outputs = predict_arrays(prepared.servable, prepared.signature, prepared.arrays)
        account.reserve(sum(map(bytes_of, outputs.values())), "the model's outputs")
        account.reserve(sum(map(written_bytes, outputs.values())), "the answer")
        return write_outputs(outputs, rows=prepared.rows)

    def _close(self, prepared: Prepared) -> None:
        prepared.account.__exit__(None, None, None)
        prepared.lent.__exit__(None, None, None)
