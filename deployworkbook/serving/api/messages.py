"""The messages of TensorFlow Serving's API that clients need, without TensorFlow.

The package ``tensorflow-serving-api`` imports all of TensorFlow: about four seconds and 400 MB for
a client that sends a few numbers. But two programs understand each other if they agree on the
number and type of each field. Those are below, and a test compares them with the package's.
Enumerations are written as ``int32``, which looks the same on the wire.
"""

from __future__ import annotations

from deployworkbook.serving.api.descriptions import Message, message_classes

_TENSORS: dict[str, Message] = {
    "Dim": {"size": (1, "int64"), "name": (2, "string")},
    "TensorShapeProto": {"dim": (2, "repeated tensorflow.Dim"), "unknown_rank": (3, "bool")},
    "TensorProto": {
        "dtype": (1, "int32"),
        "tensor_shape": (2, "tensorflow.TensorShapeProto"),
        "tensor_content": (4, "bytes"),
        "float_val": (5, "repeated float"),
        "double_val": (6, "repeated double"),
        "int_val": (7, "repeated int32"),
        "string_val": (8, "repeated bytes"),
        "scomplex_val": (9, "repeated float"),
        "int64_val": (10, "repeated int64"),
        "bool_val": (11, "repeated bool"),
        "dcomplex_val": (12, "repeated double"),
        "half_val": (13, "repeated int32"),
        "uint32_val": (16, "repeated uint32"),
        "uint64_val": (17, "repeated uint64"),
    },
    "TensorInfo": {
        "name": (1, "string"),
        "dtype": (2, "int32"),
        "tensor_shape": (3, "tensorflow.TensorShapeProto"),
    },
    "SignatureDef": {
        "inputs": (1, "map<string, tensorflow.TensorInfo>"),
        "outputs": (2, "map<string, tensorflow.TensorInfo>"),
        "method_name": (3, "string"),
    },
    # The file saved_model.pb.
    "MetaGraphDef": {"signature_def": (5, "map<string, tensorflow.SignatureDef>")},
    "SavedModel": {"meta_graphs": (2, "repeated tensorflow.MetaGraphDef")},
}

_SERVING: dict[str, Message] = {
    "ModelSpec": {
        "name": (1, "string"),
        "version": (2, "google.protobuf.Int64Value"),
        "signature_name": (3, "string"),
        "version_label": (4, "string"),
    },
    "PredictRequest": {
        "model_spec": (1, "tensorflow.serving.ModelSpec"),
        "inputs": (2, "map<string, tensorflow.TensorProto>"),
        "output_filter": (3, "repeated string"),
    },
    "PredictResponse": {
        "outputs": (1, "map<string, tensorflow.TensorProto>"),
        "model_spec": (2, "tensorflow.serving.ModelSpec"),
    },
    "GetModelMetadataRequest": {
        "model_spec": (1, "tensorflow.serving.ModelSpec"),
        "metadata_field": (2, "repeated string"),
    },
    "GetModelMetadataResponse": {
        "model_spec": (1, "tensorflow.serving.ModelSpec"),
        "metadata": (2, "map<string, google.protobuf.Any>"),
    },
    "SignatureDefMap": {"signature_def": (1, "map<string, tensorflow.SignatureDef>")},
    "StatusProto": {"error_code": (1, "int32"), "error_message": (2, "string")},
    "GetModelStatusRequest": {"model_spec": (1, "tensorflow.serving.ModelSpec")},
    "ModelVersionStatus": {
        "version": (1, "int64"),
        "state": (2, "int32"),
        "status": (3, "tensorflow.serving.StatusProto"),
    },
    "GetModelStatusResponse": {
        "model_version_status": (1, "repeated tensorflow.serving.ModelVersionStatus")
    },
    "Latest": {"num_versions": (1, "uint32")},
    "All": {},
    "Specific": {"versions": (1, "repeated int64")},
    "ServableVersionPolicy": {
        "latest": (100, "tensorflow.serving.Latest"),
        "all": (101, "tensorflow.serving.All"),
        "specific": (102, "tensorflow.serving.Specific"),
    },
    "ModelConfig": {
        "name": (1, "string"),
        "base_path": (2, "string"),
        "model_platform": (4, "string"),
        "model_version_policy": (7, "tensorflow.serving.ServableVersionPolicy"),
        "version_labels": (8, "map<string, int64>"),
    },
    "ModelConfigList": {"config": (1, "repeated tensorflow.serving.ModelConfig")},
    "ModelServerConfig": {"model_config_list": (1, "tensorflow.serving.ModelConfigList")},
    "ReloadConfigRequest": {"config": (1, "tensorflow.serving.ModelServerConfig")},
    "ReloadConfigResponse": {"status": (1, "tensorflow.serving.StatusProto")},
}

_CLASSES = message_classes({"tensorflow": _TENSORS, "tensorflow.serving": _SERVING})

TensorProto = _CLASSES["TensorProto"]
SavedModel = _CLASSES["SavedModel"]
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]
SignatureDefMap = _CLASSES["SignatureDefMap"]
GetModelStatusRequest = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = _CLASSES["GetModelStatusResponse"]
ModelServerConfig = _CLASSES["ModelServerConfig"]
ReloadConfigRequest = _CLASSES["ReloadConfigRequest"]
ReloadConfigResponse = _CLASSES["ReloadConfigResponse"]
