"""The messages of TensorFlow and TensorFlow Serving; only this module imports them.

``tensorflow_serving`` imports TensorFlow, which must first be imported by ``training.keras2``.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory

from deployworkbook.training.keras2 import tf as tf

# isort: split
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

_pool = tf.compat.v1.ConfigProto.DESCRIPTOR.file.pool


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"tensorflow.{name}"))


# TensorFlow has no public names for these.
CallableOptions = _message("CallableOptions")
TensorProto = _message("TensorProto")
Example = tf.train.Example

_DATA_TYPES = _pool.FindEnumTypeByName("tensorflow.DataType").values_by_number


def type_name(data_type: int) -> str:
    """Return the name of a data type in TensorFlow's C++ code.

    >>> type_name(1), type_name(7), type_name(9)
    ('float', 'string', 'int64')
    """
    value = _DATA_TYPES.get(data_type)
    return value.name.removeprefix("DT_").lower() if value else f"unknown ({data_type})"
