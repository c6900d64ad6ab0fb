"""Classify, regress and multi-inference: requests that carry ``tf.Example``.

The checks, their order and their texts are TensorFlow Serving's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from deployworkbook.serving.api.arrays import object_array
from deployworkbook.serving.api.types import DEFAULT_SIGNATURE
from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.predict import ANSWER_COPIES, fill_spec
from deployworkbook.serving.embedded.protos import (
    classification_pb2,
    inference_pb2,
    regression_pb2,
    type_name,
)
from deployworkbook.serving.embedded.servable import Servable, ServableSignature
from deployworkbook.serving.embedded.tensors import STRING_BYTES, bytes_of, data_type_of

Outputs = dict[str, NDArray[Any]]

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
# In an answer, each score is a message of its own.
_RESULT_BYTES = 192


def classify(servable: Servable, request: Any, account: Account) -> Any:
    """Answer a ``ClassificationRequest``.

    Raises:
        ServingError: There are no examples, or the signature is of another kind.
    """
    response = classification_pb2.ClassificationResponse()
    return _answer(servable, request, account, CLASSIFY_METHOD, response)


def regress(servable: Servable, request: Any, account: Account) -> Any:
    """Answer a ``RegressionRequest``.

    Raises:
        ServingError: There are no examples, or the signature is of another kind.
    """
    response = regression_pb2.RegressionResponse()
    return _answer(servable, request, account, REGRESS_METHOD, response)


def multi_inference(servable: Servable, request: Any, account: Account) -> Any:
    """Answer a ``MultiInferenceRequest``: several signatures, one run of the graph.

    Raises:
        ServingError: The tasks differ in model or input, or one fails.
    """
    feed = ""
    fetches: dict[str, None] = {}
    seen = set()
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        if task.model_spec.name != request.tasks[0].model_spec.name:
            raise invalid(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if name in seen:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in servable.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        task_feed, task_fetches = _tensors_of(servable.signatures[name], task.method_name)
        if feed not in ("", task_feed):
            raise invalid("Input tensor must be the same for all Signatures.")
        feed = task_feed
        fetches |= dict.fromkeys(task_fetches)
    count, outputs = _run_examples(
        servable, "MultiInference", request.input, feed, list(fetches), account
    )
    response = inference_pb2.MultiInferenceResponse()
    for task in request.tasks:
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        result = response.results.add()
        fill_spec(result.model_spec, servable, name)
        kind, _, fill = _METHODS[task.method_name]
        fill(getattr(result, f"{kind}_result"), servable.signatures[name], count, outputs)
    return response


def examples_of(given: Any) -> Sequence[Any]:
    """List the examples of an ``Input``, with or without a context."""
    found: Sequence[Any] = (
        given.example_list_with_context.examples
        if given.WhichOneof("kind") == "example_list_with_context"
        else given.example_list.examples
    )
    return found


def _example_signature(servable: Servable, name: str) -> ServableSignature:
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    return servable.signatures[name]


def _answer(
    servable: Servable, request: Any, account: Account, method_name: str, response: Any
) -> Any:
    signature = _example_signature(servable, request.model_spec.signature_name)
    feed, fetches = _tensors_of(signature, method_name)
    api = method_name.rpartition("/")[2].title()
    count, outputs = _run_examples(servable, api, request.input, feed, fetches, account)
    fill_spec(response.model_spec, servable, signature.name)
    _METHODS[method_name][2](response.result, signature, count, outputs)
    return response


def _tensors_of(signature: ServableSignature, method_name: str) -> tuple[str, list[str]]:
    if method_name not in _METHODS:
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {method_name}")
    return _METHODS[method_name][1](signature)


def _classify_tensors(signature: ServableSignature) -> tuple[str, list[str]]:
    inputs = {alias: feed for alias, feed, _ in signature.inputs}
    if len(inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if "inputs" not in inputs:
        raise invalid(f"No classification inputs found in SignatureDef: {signature.definition}")
    found = [signature.outputs[key] for key in ("classes", "scores") if key in signature.outputs]
    if not found:
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"classes" or "scores". Signature was: {signature.definition}'
        )
    return inputs["inputs"], found


def _regress_tensors(signature: ServableSignature) -> tuple[str, list[str]]:
    inputs = {alias: feed for alias, feed, _ in signature.inputs}
    if len(inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "inputs" not in inputs:
        raise invalid(f"No regression inputs found in SignatureDef: {signature.definition}")
    if "outputs" not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature.definition}")
    return inputs["inputs"], [signature.outputs["outputs"]]


def _run_examples(
    servable: Servable, api: str, given: Any, feed: str, fetches: list[str], account: Account
) -> tuple[int, Outputs]:
    """Run a graph that parses examples; return their number and the outputs by tensor."""
    context = b""
    if given.WhichOneof("kind") == "example_list_with_context":
        # Concatenated messages merge, so each example gets the context's features.
        context = given.example_list_with_context.context.SerializeToString()
    written = [example.SerializeToString() for example in examples_of(given)]
    if not written:
        raise invalid("Input is empty.")
    each = STRING_BYTES + len(context)
    # Twice, because the graph copies them.
    account.reserve(2 * (sum(map(len, written)) + each * len(written)), "the examples")
    array = object_array([context + example for example in written] if context else written)
    fetches = list(dict.fromkeys(fetches))
    results = servable.run(api, [feed], fetches, [array])
    account.reserve(
        sum(ANSWER_COPIES * bytes_of(result) + _RESULT_BYTES * result.size for result in results),
        "the answer",
    )
    return len(written), dict(zip(fetches, results, strict=True))


def _fill_classes(result: Any, signature: ServableSignature, count: int, outputs: Outputs) -> None:
    classes = _checked(signature, "classes", "string", count, outputs)
    scores = _checked(signature, "scores", "float", count, outputs)
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise invalid(
            "Tensors class and score should match in dim_size(1). "
            f"Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    for row in range(count):
        target = result.classifications.add()
        labels = [] if classes is None else classes[row].tolist()
        values = [] if scores is None else scores[row].tolist()
        for column in range(max(len(labels), len(values))):
            item = target.classes.add()
            if labels:
                item.label = _text(labels[column])
            if values:
                item.score = values[column]


def _checked(
    signature: ServableSignature, key: str, kind: str, count: int, outputs: Outputs
) -> NDArray[Any] | None:
    if key not in signature.outputs:
        return None
    array = outputs[signature.outputs[key]]
    if array.ndim != 2:
        raise invalid(
            f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
        )
    sent = type_name(data_type_of(array))
    if sent != kind:
        raise invalid(f"Expected {key} Tensor of DT_{kind.upper()}. Got: DT_{sent.upper()}")
    if len(array) != count:
        raise invalid(f"Expected {key} output batch size of {count}. Got: {len(array)}")
    return array


def _fill_values(result: Any, signature: ServableSignature, count: int, outputs: Outputs) -> None:
    array = outputs[signature.outputs["outputs"]]
    if not (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(array.shape)}"
        )
    if len(array) != count:
        raise invalid(f"Input batch size did not match output batch size: {count} vs. {len(array)}")
    sent = type_name(data_type_of(array))
    if sent != "float":
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: DT_{sent.upper()}")
    for value in array.ravel().tolist():
        result.regressions.add().value = value


# By method: its name in a multi-inference result, its tensors, and what fills its result.
_METHODS: dict[str, tuple[str, Callable[..., tuple[str, list[str]]], Callable[..., None]]] = {
    CLASSIFY_METHOD: ("classification", _classify_tensors, _fill_classes),
    REGRESS_METHOD: ("regression", _regress_tensors, _fill_values),
}


def _text(label: bytes) -> str:
    try:
        return label.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid("A label is not UTF-8 text") from error
