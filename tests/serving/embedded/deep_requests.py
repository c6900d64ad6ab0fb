"""Requests that get far into the server: valid ones, and valid ones with a field or two changed.

Those of gRPC come from the messages' descriptors, those of REST from valid JSON documents. Each
valid request carries what its answer has to be.
"""

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from deployworkbook.serving.api.arrays import object_array, to_array
from deployworkbook.serving.embedded.protos import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
    tf,
)
from deployworkbook.serving.embedded.tensors import to_proto

NUMBERS = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64",
           "bool"]  # fmt: skip
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
# Names that the server knows, so that a changed field often names something else that exists.
NAMES = st.sampled_from(
    ["", "x", "y", "a", "b", "half", "types", "inputs", "serving_default", "regress_x_to_y",
     "stable", "classify_x_to_y", "string", "float32", "two_outputs", "signature_def", CLASSIFY,
     REGRESS, "é"]
)  # fmt: skip
SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
# Whole numbers that a float32 holds: sums and halves of them are exact.
FLOATS = st.integers(-1000, 1000).map(float)


@dataclass
class Call:
    """A request over gRPC."""

    service: str
    method: str
    message: object
    answer: type
    right: Callable[[object], object] | None = None  # of a valid request: fails if it is not


@dataclass
class Post:
    """A request over REST; with a status of 200 the answer has to be right."""

    path: str
    body: bytes
    right: Callable[[object], object] | None = None


def predict_of(signature, **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "types", signature
    for name, proto in inputs.items():
        request.inputs[name].CopyFrom(proto)
    return request


@st.composite
def identity_arrays(draw, names, shapes=SHAPES):
    """A signature of the model of all types, and an array for it."""
    name = draw(st.sampled_from(names))
    if name in ("string", "text"):
        element = st.binary(max_size=6) if name == "string" else st.text(max_size=6)
        shape = draw(shapes)
        size = int(np.prod(shape))
        drawn = draw(st.lists(element, min_size=size, max_size=size))
        array = object_array([one.encode() if isinstance(one, str) else one for one in drawn])
        return name, array.reshape(shape)
    return name, draw(arrays_of.arrays(name, shapes))


@st.composite
def tensors(draw, array):
    """An array as a ``TensorProto``, in one of the ways that it can be written."""
    way = draw(st.sampled_from(["fields", "content", "shortened"]))
    if way == "content":
        return tf.make_tensor_proto(array)
    proto = to_proto(array)
    if way == "shortened":  # the last value stands for all that lack
        ((_, values),) = [
            (field, value) for field, value in proto.ListFields() if field.name.endswith("_val")
        ] or [(None, [])]
        while len(values) > 1 and repr(values[-1]) == repr(values[-2]):
            values.pop()
    return proto


@st.composite
def valid_predicts(draw):
    signature, array = draw(identity_arrays([*NUMBERS, "float16", "string"]))
    request = predict_of(signature, x=draw(tensors(array)))
    output = "y_bytes" if signature == "string" else "y"
    if draw(st.booleans()):
        request.output_filter.append(output)

    def right(answer):
        found = to_array(answer.outputs[output])
        np.testing.assert_array_equal(found, array)
        assert (found.shape, answer.model_spec.version.value) == (array.shape, 1)

    return Call("PredictionService", "Predict", request, predict_pb2.PredictResponse, right)


@st.composite
def valid_pairs(draw):
    size = draw(st.integers(0, 4))
    a = np.array(draw(st.lists(FLOATS, min_size=size, max_size=size)), np.float32)
    b = np.array(draw(st.lists(st.integers(-99, 99), min_size=size, max_size=size)), np.int64)
    request = predict_of("pair", a=draw(tensors(a)), b=draw(tensors(b)))

    def right(answer):
        np.testing.assert_array_equal(to_array(answer.outputs["sum"]), a + b)
        np.testing.assert_array_equal(to_array(answer.outputs["b"]), b)

    return Call("PredictionService", "Predict", request, predict_pb2.PredictResponse, right)


@st.composite
def valid_inferences(draw):
    """Classify, regress, and both at once."""
    values = draw(st.lists(FLOATS, min_size=1, max_size=4))
    expected = [value / 2 + 2 for value in values]
    kind = draw(st.sampled_from(["Classify", "Regress", "MultiInference"]))
    if kind == "Classify":
        request = classification_pb2.ClassificationRequest()
        answer = classification_pb2.ClassificationResponse
        request.model_spec.signature_name = "classify_x_to_y"
    elif kind == "Regress":
        request = regression_pb2.RegressionRequest()
        answer = regression_pb2.RegressionResponse
        request.model_spec.signature_name = "regress_x_to_y"
    else:
        request = inference_pb2.MultiInferenceRequest()
        answer = inference_pb2.MultiInferenceResponse
        for name, method in (("classify_x_to_y", CLASSIFY), ("regress_x_to_y", REGRESS)):
            task = request.tasks.add(method_name=method)
            task.model_spec.name, task.model_spec.signature_name = "half", name
    if kind != "MultiInference":
        request.model_spec.name = "half"
        if draw(st.booleans()):
            request.model_spec.version.value = 123
    of_context = draw(st.booleans()) and len(set(values)) == 1
    given = request.input.example_list_with_context if of_context else request.input.example_list
    if of_context:
        given.context.features.feature["x"].float_list.value.append(values[0])
    for value in values:
        example = given.examples.add()
        if not of_context:
            example.features.feature["x"].float_list.value.append(value)

    def right(answer):
        if kind == "MultiInference":
            classified, regressed = answer.results
            scores = classified.classification_result.classifications
            found = [value.value for value in regressed.regression_result.regressions]
            assert [one.classes[0].score for one in scores] == expected
        elif kind == "Classify":
            found = [one.classes[0].score for one in answer.result.classifications]
        else:
            found = [one.value for one in answer.result.regressions]
        assert found == expected

    return Call("PredictionService", kind, request, answer, right)


@st.composite
def valid_looks(draw):
    """Status and metadata."""
    name, version = draw(st.sampled_from([("half", 123), ("types", 1)]))
    if draw(st.booleans()):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name

        def right(answer):
            assert [one.version for one in answer.model_version_status] == [version]

        return Call("ModelService", "GetModelStatus", request,
                    get_model_status_pb2.GetModelStatusResponse, right)  # fmt: skip
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = name

    def is_right(answer):
        assert answer.model_spec.version.value == version

    return Call("PredictionService", "GetModelMetadata", request,
                get_model_metadata_pb2.GetModelMetadataResponse, is_right)  # fmt: skip


VALID_CALLS = st.one_of(valid_predicts(), valid_predicts(), valid_pairs(), valid_inferences(),
                        valid_looks())  # fmt: skip


def is_map(field):
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def places(message, depth=0):
    """All fields of a message and of the messages that it holds, each with its owner."""
    for field in message.DESCRIPTOR.fields:
        yield message, field
    for field, value in message.ListFields():
        if not field.message_type or depth > 8:
            continue
        if is_map(field):
            held = (
                list(value.values())
                if field.message_type.fields_by_name["value"].message_type
                else []
            )
        else:
            held = value if field.is_repeated else [value]
        for one in held:
            yield from places(one, depth + 1)


WHOLE = st.sampled_from([0, 1, -1, 2, 3, 7, 123, 2**16, 2**31 - 1, -(2**31), 2**40])


def scalars(field):
    """Values that a field can hold, more of those that mean something."""
    return scalars_of(field.cpp_type, field.type)


@cache
def scalars_of(kind, type_):
    bits = {FieldDescriptor.CPPTYPE_INT32: 31, FieldDescriptor.CPPTYPE_INT64: 63}
    wide = {FieldDescriptor.CPPTYPE_UINT32: 32, FieldDescriptor.CPPTYPE_UINT64: 64}
    if kind in bits:
        low, high = -(2 ** bits[kind]), 2 ** bits[kind] - 1
        return WHOLE.filter(lambda n: low <= n <= high) | st.integers(low, high)
    if kind in wide:
        return st.sampled_from([0, 1, 2 ** wide[kind] - 1]) | st.integers(0, 2 ** wide[kind] - 1)
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return st.integers(0, 30) | st.integers(-(2**31), 2**31 - 1)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if kind == FieldDescriptor.CPPTYPE_FLOAT:
        return st.floats(width=32)
    if kind == FieldDescriptor.CPPTYPE_DOUBLE:
        return st.floats()
    if type_ == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=40)
    return NAMES | st.text(max_size=20)


def fill(draw, message, depth=0):
    """Set some fields of a message, and of those in it, to anything."""
    fields = list(message.DESCRIPTOR.fields)
    for index in draw(st.lists(st.integers(0, len(fields) - 1), max_size=3)) if fields else []:
        change(draw, message, fields[index], depth + 1)


def change(draw, message, field, depth=0):
    """Change one field of a message: empty it, or give it, or add to it, any value."""
    action = draw(st.sampled_from(["set", "set", "set", "clear"]))
    if action == "clear" or depth > 3:
        message.ClearField(field.name)
    elif is_map(field):
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        held = getattr(message, field.name)
        name = draw(scalars(key))
        if not value.message_type:
            held[name] = draw(scalars(value))
        elif held and draw(st.booleans()):  # the same value under another name
            old = draw(st.sampled_from(sorted(held)))
            held[name].CopyFrom(held[old])
            if draw(st.booleans()) and old != name:
                del held[old]
        else:
            fill(draw, held[name], depth)
    elif field.is_repeated:
        held = getattr(message, field.name)
        if held and draw(st.booleans()):
            if draw(st.booleans()):
                del held[draw(st.integers(0, len(held) - 1))]
            elif field.message_type:
                held.add().CopyFrom(held[0])
            else:
                held[draw(st.integers(0, len(held) - 1))] = draw(scalars(field))
        elif field.message_type:
            fill(draw, held.add(), depth)
        else:
            held.extend(draw(st.lists(scalars(field), min_size=1, max_size=4)))
    elif field.message_type:
        getattr(message, field.name).SetInParent()
        fill(draw, getattr(message, field.name), depth)
    else:
        setattr(message, field.name, draw(scalars(field)))


# How many fields are changed in each of the requests that are made of a valid one.
CHANGES = (1, 1, 1, 1, 1, 1, 1, 2, 4)


@st.composite
def calls(draw):
    """A valid call, and others made of it, each with the number of fields that were changed."""
    call = draw(VALID_CALLS)
    made = [(call, 0)]
    for changes in CHANGES:
        message = type(call.message).FromString(call.message.SerializeToString())
        for _ in range(changes):
            found = list(places(message))
            change(draw, *found[draw(st.integers(0, len(found) - 1))])
        made.append((replace(call, message=message, right=None), changes))
    # And one as bytes, of which some are others.
    whole = bytearray(call.message.SerializeToString())
    place = draw(st.integers(0, len(whole) - 1))
    whole[place : draw(st.integers(place, len(whole)))] = draw(st.binary(max_size=3))
    made.append((replace(call, message=bytes(whole), right=None), 1))
    return made


def values_of(array):
    """An array as JSON has it, bytes in base64."""
    if array.dtype == object:
        if array.ndim:
            return [values_of(np.asarray(part, object)) for part in array]
        return {"b64": base64.b64encode(array.item()).decode()}
    return array.tolist()


@st.composite
def valid_posts(draw):
    in_rows = draw(st.booleans())
    shapes = arrays_of.array_shapes(max_dims=3, max_side=4) if in_rows else SHAPES
    signature, array = draw(identity_arrays([*NUMBERS, "string", "text"], shapes))
    values = values_of(array)
    if in_rows and draw(st.booleans()):
        values = [{"x": value} for value in values]
    elif not in_rows and draw(st.booleans()):
        values = {"x": values}
    document = {"signature_name": signature, "instances" if in_rows else "inputs": values}

    def right(answer):
        found = answer["predictions" if in_rows else "outputs"]
        if signature == "text":
            texts = np.vectorize(bytes.decode, otypes=[object])(array) if array.size else array
            assert found == texts.tolist() or not array.size
        elif signature == "string":
            assert found == values_of(array) or not array.size
        else:
            flat = np.array(found, "float64" if array.dtype.kind == "f" else array.dtype)
            np.testing.assert_array_equal(flat.astype(array.dtype).ravel(), array.ravel())

    which = draw(st.sampled_from(["", "/versions/1"]))
    return f"types{which}:predict", document, right


@st.composite
def valid_example_posts(draw):
    values = draw(st.lists(FLOATS, min_size=1, max_size=4))
    method = draw(st.sampled_from(["classify", "regress"]))
    document = {"signature_name": f"{method}_x_to_y"}
    if len(set(values)) == 1 and draw(st.booleans()):
        document |= {"context": {"x": values[0]}, "examples": [{} for _ in values]}
    else:
        document["examples"] = [{"x": draw(st.sampled_from([one, [one]]))} for one in values]

    def right(answer):
        found = answer["results"]
        scores = [one[0][1] for one in found] if method == "classify" else found
        assert scores == [value / 2 + 2 for value in values]

    return draw(st.sampled_from(["half", "half/labels/stable"])) + f":{method}", document, right


LEAVES = (
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | NAMES
    | st.sampled_from([0, 1, -1, 2**24 + 1, 2**53 + 1, 2**31, 2**63, -(2**63) - 1, 2**64, 10**400])
    | st.sampled_from([[], {}, [[]], {"b64": "YQ=="}, {"b64": "&"}, {"b64": 1}, [[[[1]]]]])
)  # fmt: skip
LONG_SPACE = b" " * 300_000  # long documents are read in another way
LITERALS = [
    b"1e400",
    b"-1e400",
    b"Inf",
    b"-Inf",
    b"-NaN",
    b"1.",
    b"01",
    b"\xff",
    b'"\\ud800"',
    b"\0",
]


def nodes(value, owner=None, key=None):
    """All places in a JSON document, each as what holds it and its key there."""
    if owner is not None:
        yield owner, key
    if not isinstance(value, dict | list):
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in list(items):
        yield from nodes(part, value, name)


def change_json(draw, document):
    found = list(nodes(document))
    if not found:
        return
    owner, key = found[draw(st.integers(0, len(found) - 1))]
    action = draw(st.sampled_from(["set", "set", "set", "delete", "rename", "wrap", "repeat"]))
    if action == "delete":
        del owner[key]
    elif action == "rename" and isinstance(owner, dict):
        owner[draw(NAMES | st.text(max_size=8))] = owner.pop(key)
    elif action == "wrap":
        owner[key] = [owner[key]]
    elif action == "repeat" and isinstance(owner, list):
        owner.append(owner[key])
    else:
        owner[key] = copy.deepcopy(draw(LEAVES))  # of which another change may change a part


@st.composite
def posts(draw):
    """A valid post, and others made of it, each with the number of fields that were changed."""
    path, document, right = draw(st.one_of(valid_posts(), valid_posts(), valid_example_posts()))
    written = json.dumps(document)
    start = draw(st.sampled_from([b"", b"", b" \n", b"\xef\xbb\xbf", LONG_SPACE]))
    end = draw(st.sampled_from([b"", b"", b"\0", b";", b"\n{}", b"\xff"]))
    made = [(Post(path, start + written.encode() + end, right), 0)]
    for changes in CHANGES:
        changed = json.loads(written)
        for _ in range(changes):
            change_json(draw, changed)
        text = json.dumps(changed, ensure_ascii=draw(st.booleans()))
        made.append((Post(path, start + text.encode() + end, None), changes))
    for _ in range(2):  # of the text, a part is another
        text = written.encode()
        place = draw(st.integers(0, len(text) - 1))
        end_of_part = draw(st.integers(place, min(len(text), place + 4)))
        part = draw(st.sampled_from(LITERALS) | st.binary(max_size=2))
        made.append((Post(path, start + text[:place] + part + text[end_of_part:], None), 1))
    return made
