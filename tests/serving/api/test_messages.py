"""The client's own descriptions of the API against those of TensorFlow and its serving package."""

import subprocess
import sys

import numpy as np
import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from deployworkbook.serving.api import messages
from deployworkbook.serving.api.arrays import as_array, to_array, to_proto, type_name
from deployworkbook.serving.api.descriptions import message_classes
from deployworkbook.serving.api.model_config import ServedModel, config_of, config_text
from deployworkbook.serving.embedded import protos
from deployworkbook.serving.embedded.protos import tf

OFFICIAL = {
    "SavedModel": SavedModel,
    "TensorProto": protos.TensorProto,
    "PredictRequest": protos.predict_pb2.PredictRequest,
    "PredictResponse": protos.predict_pb2.PredictResponse,
    "GetModelMetadataRequest": protos.get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": protos.get_model_metadata_pb2.GetModelMetadataResponse,
    "SignatureDefMap": protos.get_model_metadata_pb2.SignatureDefMap,
    "GetModelStatusRequest": protos.get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": protos.get_model_status_pb2.GetModelStatusResponse,
    "ReloadConfigRequest": protos.model_management_pb2.ReloadConfigRequest,
    "ReloadConfigResponse": protos.model_management_pb2.ReloadConfigResponse,
    "ModelServerConfig": protos.model_server_config_pb2.ModelServerConfig,
}


def differences(ours, theirs, place):
    """What would be read otherwise by the other side."""
    found = []
    for field in ours.fields:
        where = f"{place}.{field.name}"
        other = theirs.fields_by_name.get(field.name)
        if other is None:
            found.append(f"{where} is unknown")
            continue
        # An enumeration is an int32 on the wire.
        kind = FieldDescriptor.TYPE_INT32 if other.enum_type else other.type
        same = field.number == other.number and field.type == kind
        if not same or field.is_repeated != other.is_repeated:
            found.append(where)
        elif field.message_type:
            found += differences(field.message_type, other.message_type, where)
    return found


@pytest.mark.parametrize("name", OFFICIAL)
def test_numbers_and_types_of_all_fields_are_the_apis(name):
    ours = getattr(messages, name).DESCRIPTOR
    assert differences(ours, OFFICIAL[name].DESCRIPTOR, name) == []
    assert ours.full_name == OFFICIAL[name].DESCRIPTOR.full_name


def test_all_messages_are_compared():
    ours = {name for name in vars(messages) if hasattr(getattr(messages, name), "DESCRIPTOR")}
    assert ours == set(OFFICIAL)


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(AttributeError, match="TYPE_WORD"):
        message_classes({"zoo": {"Animal": {"name": (1, "word")}}})


def test_the_client_does_without_tensorflow():
    code = (
        "import sys, deployworkbook.serving.client.connecting, deployworkbook.serving.load.loops, "
        "deployworkbook.serving.release.rollout, deployworkbook.serving.release.canary; "
        "heavy = {'tensorflow', 'tf_keras', 'matplotlib', 'tensorflow_serving'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


NUMERIC = [
    "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "bool", "float16", "complex64", "complex128", "bfloat16",
]  # fmt: skip


@given(
    st.sampled_from(NUMERIC[:-1]).flatmap(
        lambda name: arrays_of.arrays(
            name, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
        )
    )
)
def test_arrays_are_read_as_tensorflow_writes_them_and_the_other_way_round(array):
    theirs = messages.TensorProto.FromString(tf.make_tensor_proto(array).SerializeToString())
    np.testing.assert_array_equal(to_array(theirs), array)
    ours = protos.TensorProto.FromString(to_proto(array).SerializeToString())
    read = tf.make_ndarray(ours)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype
    assert read.shape == array.shape


@pytest.mark.parametrize("name", NUMERIC)
def test_typed_fields_are_read(name):
    array = np.array([[0, 1], [1, 0]]).astype(name)
    proto = messages.TensorProto.FromString(to_proto(array).SerializeToString())
    proto.ClearField("tensor_content")
    field = {
        "float16": "half_val",
        "bfloat16": "half_val",
        "complex64": "scomplex_val",
        "complex128": "dcomplex_val",
    }.get(name, {"float32": "float_val", "float64": "double_val"}.get(name))
    values = array.ravel()
    if field == "half_val":
        values = values.view(np.uint16)
    elif name.startswith("complex"):
        values = values.view(values.real.dtype)
    elif field is None:
        large = {"int64": "int64_val", "uint32": "uint32_val", "uint64": "uint64_val"}
        field = "bool_val" if name == "bool" else large.get(name, "int_val")
    getattr(proto, field).extend(values.tolist())
    found = to_array(proto)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_texts_and_bytes():
    array = as_array("x", [["a", "é"], ["", "longer"]])
    expected = np.array([[b"a", "é".encode()], [b"", b"longer"]], object)
    np.testing.assert_array_equal(to_array(to_proto(array)), expected)
    raw = as_array("x", [b"\xff\x00", b"\x00"])
    assert to_array(to_proto(raw)).tolist() == [b"\xff\x00", b"\x00"]
    np.testing.assert_array_equal(
        tf.make_ndarray(protos.TensorProto.FromString(to_proto(array).SerializeToString())),
        expected,
    )


def test_values_that_lack_repeat_the_last():
    proto = messages.TensorProto(dtype=1, float_val=[1.0, 2.0])
    proto.tensor_shape.dim.add(size=4)
    assert to_array(proto).tolist() == [1.0, 2.0, 2.0, 2.0]
    assert to_array(messages.TensorProto(dtype=7)).tolist() == b""
    empty = messages.TensorProto(dtype=3)
    empty.tensor_shape.dim.add(size=2)
    assert to_array(empty).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"),
        ([1, 2], "int32"),
        ([2**40], "int64"),
        ([-(2**63)], "int64"),
        ([-(2**31), 2**31 - 1], "int32"),
        ([-(2**31) - 1], "int64"),
        ([2**63], "uint64"),
        ([1e39], "float64"),
        ([3e38, float("inf"), float("nan")], "float32"),
        ([], "float32"),
        (True, "bool"),
        (np.float64(1), "float64"),
        (np.array([1.0]), "float64"),
        ("a", "object"),
    ],
)
def test_pythons_numbers_get_tensorflows_types(value, dtype):
    assert as_array("x", value).dtype == dtype


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([[1], [1, 2]], ValueError, "x: expected an array, or lists of equal length"),
        ([None], TypeError, r"x: expected numbers, booleans, texts or bytes. Received: \[None\]"),
        (np.array(["2026"], "datetime64"), TypeError, "an array of datetime64.*astype"),
        ([np.datetime64("NaT")], TypeError, r"no dates.*where NaT is -2\*\*63"),
        ([np.timedelta64("NaT")], TypeError, r"no dates.*timedelta64.*NaT"),
        ([2**63, -1], ValueError, "No type holds these together"),
        ([np.uint64(1), np.int64(2**53 + 1)], ValueError, "No type holds these together"),
        ("\ud800", ValueError, "unpaired surrogate"),
    ],
)
def test_what_no_model_takes_is_refused(value, error, words):
    with pytest.raises(error, match=words):
        as_array("x", value)


def test_a_type_that_numpy_lacks_is_named():
    assert type_name(20) == "type 20"
    with pytest.raises(ValueError, match=r"TensorFlow's type 20\. Let the model cast its output"):
        to_array(messages.TensorProto(dtype=20))


def test_the_servers_own_parser_reads_the_config(tmp_path):
    models = {"m": ServedModel(tmp_path, {"stable": 1}, (1, 2)), "n": ServedModel(tmp_path)}
    read = text_format.Parse(config_text(models), OFFICIAL["ModelServerConfig"]())
    (m, n) = read.model_config_list.config
    assert list(m.model_version_policy.specific.versions) == [1, 2]
    assert dict(m.version_labels) == {"stable": 1}
    assert n.model_version_policy.WhichOneof("policy_choice") is None
    assert read.SerializeToString(deterministic=True) == config_of(models).SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("relative",), r"absolute path. Received: relative. .*base_path\.resolve"),
        (("/m", {"stable": 3}, (1, 2)), "stable of versions that are not loaded"),
    ],
)
def test_a_config_that_no_server_takes_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        ServedModel(*arguments)
