"""The messages of TensorFlow and TensorFlow Serving; only this module imports them.

The generated modules lie inside the package ``tensorflow``, whose own import takes seconds and
hundreds of MB. They need only its folder, so a stand-in takes its place while they load. That way
a server of LiteRT and ONNX files never loads TensorFlow; the first use of ``tf`` does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from google.protobuf import message_factory


@contextmanager
def _without_running(package: str) -> Iterator[None]:
    """Let a package's modules be imported, but not the package itself."""
    spec = None if package in sys.modules else find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        yield
        return
    stand_in = ModuleType(package)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        del sys.modules[package]


with _without_running("tensorflow"):
    from tensorflow_serving.apis import classification_pb2 as classification_pb2
    from tensorflow_serving.apis import get_model_metadata_pb2 as get_model_metadata_pb2
    from tensorflow_serving.apis import get_model_status_pb2 as get_model_status_pb2
    from tensorflow_serving.apis import inference_pb2 as inference_pb2
    from tensorflow_serving.apis import input_pb2 as input_pb2
    from tensorflow_serving.apis import model_management_pb2 as model_management_pb2
    from tensorflow_serving.apis import model_pb2 as model_pb2
    from tensorflow_serving.apis import model_service_pb2 as model_service_pb2
    from tensorflow_serving.apis import predict_pb2 as predict_pb2
    from tensorflow_serving.apis import prediction_log_pb2 as prediction_log_pb2
    from tensorflow_serving.apis import prediction_service_pb2 as prediction_service_pb2
    from tensorflow_serving.apis import regression_pb2 as regression_pb2
    from tensorflow_serving.config import model_server_config_pb2 as model_server_config_pb2

_pool = predict_pb2.PredictRequest.DESCRIPTOR.file.pool


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"tensorflow.{name}"))


# TensorFlow has no public names for these.
CallableOptions = _message("CallableOptions")
TensorProto = _message("TensorProto")
SignatureDef = _message("SignatureDef")
Example = _message("Example")

_DATA_TYPES = _pool.FindEnumTypeByName("tensorflow.DataType").values_by_number
_DATA_TYPES_BY_NAME = _pool.FindEnumTypeByName("tensorflow.DataType").values_by_name
# Where the names of TensorFlow's C++ code and of NumPy differ.
_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def type_name(data_type: int) -> str:
    """Return the name of a data type in TensorFlow's C++ code.

    >>> type_name(1), type_name(7), type_name(9)
    ('float', 'string', 'int64')
    """
    value = _DATA_TYPES.get(data_type)
    return value.name.removeprefix("DT_").lower() if value else f"unknown ({data_type})"


@cache
def type_number(dtype: np.dtype[Any]) -> int:
    """Return TensorFlow's number of a NumPy type; objects and bytes are strings.

    Raises:
        TypeError: TensorFlow has no such type.

    >>> type_number(np.dtype("float32")), type_number(np.dtype(object)), type_number(np.dtype("i8"))
    (1, 7, 9)
    """
    name = "string" if dtype.kind in "OSU" else _CPP_NAMES.get(dtype.name, dtype.name)
    value = _DATA_TYPES_BY_NAME.get(f"DT_{name.upper()}")
    if value is None:
        raise TypeError(f"TensorFlow has no type {dtype}.")
    return int(value.number)


def __getattr__(name: str) -> Any:
    """Load TensorFlow when it is first asked for."""
    if name != "tf":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from deployworkbook.training.quiet_tensorflow import tf

    globals()["tf"] = tf
    return tf
