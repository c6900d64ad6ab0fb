"""Replay the warm-up requests that come with a model, before it serves others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from deployworkbook.serving.embedded.budget import Account, MemoryBudget
from deployworkbook.serving.embedded.classify_regress import classify, multi_inference, regress
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.predict import predict
from deployworkbook.serving.embedded.protos import prediction_log_pb2
from deployworkbook.serving.embedded.servable import Servable
from deployworkbook.serving.embedded.wire import parsed_bytes

PLACE = Path("assets.extra") / "tf_serving_warmup_requests"
MOST_RECORDS = 1000

_RUNS = {
    "predict_log": predict,
    "classify_log": classify,
    "regress_log": regress,
    "multi_inference_log": multi_inference,
}


def warm_up(servable: Servable, path: Path, metrics: Metrics, budget: MemoryBudget) -> int:
    """Run the requests in a SavedModel's folder, which are ``PredictionLog`` records.

    Args:
        servable: The loaded model.
        path: Its folder.
        metrics: Counts the records and the time.
        budget: Memory for requests.

    Returns:
        The number of requests.

    Raises:
        ServingError: The file is damaged, has too many or unknown records, or a request fails.
    """
    file = path / PLACE
    if not file.is_file():
        return 0
    started, status = time.perf_counter(), Code.INTERNAL
    try:
        count = _replay(servable, file, lambda: metrics.warmup_records.add(str(path)), budget)
        status = Code.OK
    except ServingError as error:
        status = error.code
        raise
    finally:
        microseconds = (time.perf_counter() - started) * 1e6
        metrics.warmup_latency.observe(str(path), status.name, value=microseconds)
    return count


def _replay(servable: Servable, file: Path, read: Callable[[], None], budget: MemoryBudget) -> int:
    # Only now: a server of LiteRT and ONNX files doesn't load TensorFlow for nothing.
    from deployworkbook.serving.embedded.protos import tf

    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            count += 1
            if count > MOST_RECORDS:
                raise ServingError(
                    Code.INVALID_ARGUMENT,
                    f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) limit.",
                )
            read()
            with budget.account() as account:
                _run(servable, record, account)
    except tf.errors.OpError as error:
        raise ServingError(Code(error.error_code), f"{PLACE}: {error.message}") from error
    return count


def _run(servable: Servable, record: bytes, account: Account) -> None:
    message = prediction_log_pb2.PredictionLog
    size_bytes = parsed_bytes(record, message.DESCRIPTOR, most=account.most_bytes)
    account.reserve(size_bytes, "a warm-up request")
    log = message.FromString(record)
    kind = log.WhichOneof("log_type")
    if kind not in _RUNS:
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    _RUNS[kind](servable, getattr(log, kind).request, account)
