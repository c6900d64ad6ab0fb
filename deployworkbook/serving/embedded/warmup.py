"""Requests that a model carries with it, replayed before it serves anybody."""

from __future__ import annotations

from pathlib import Path

from deployworkbook.serving.embedded.classify_regress import classify, multi_inference, regress
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.predict import predict
from deployworkbook.serving.embedded.protos import prediction_log_pb2, tf
from deployworkbook.serving.embedded.servable import Servable

PLACE = Path("assets.extra") / "tf_serving_warmup_requests"
MOST_RECORDS = 1000

_RUNS = {
    "predict_log": predict,
    "classify_log": classify,
    "regress_log": regress,
    "multi_inference_log": multi_inference,
}


def warm_up(servable: Servable, path: Path) -> int:
    """Run the requests that lie in a SavedModel's folder, records of ``PredictionLog``.

    Args:
        servable: The loaded model.
        path: Its folder.

    Returns:
        How many were run.

    Raises:
        ServingError: The file is damaged, has too many or other records, or a request fails.
    """
    file = path / PLACE
    if not file.is_file():
        return 0
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            count += 1
            if count > MOST_RECORDS:
                raise ServingError(
                    Code.INVALID_ARGUMENT,
                    f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) limit.",
                )
            _run(servable, prediction_log_pb2.PredictionLog.FromString(record))
    except tf.errors.OpError as error:
        raise ServingError(Code(error.error_code), f"{PLACE}: {error.message}") from error
    return count


def _run(servable: Servable, log: object) -> None:
    kind = log.WhichOneof("log_type")  # type: ignore[attr-defined]
    if kind not in _RUNS:
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    _RUNS[kind](servable, getattr(log, kind).request)
