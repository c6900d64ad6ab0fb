"""Classify and regress on signatures and outputs that the models of other tests don't have."""

import numpy as np
import pytest

from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.classify_regress import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    classify,
    multi_inference,
    regress,
)
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.protos import (
    Example,
    classification_pb2,
    inference_pb2,
    regression_pb2,
)
from deployworkbook.serving.embedded.servable import ServableSignature

ONE_SCORE = np.array([[0.5], [0.25]], np.float32)


def strings(*rows):
    return np.array(rows, object)


class Model:
    """A model whose outputs are given, by their aliases."""

    name, version = "m", 7

    def __init__(self, *, inputs=("inputs",), **outputs):
        self.outputs = {f"{alias}:0": array for alias, array in outputs.items()}
        self.signatures = {
            "serving_default": ServableSignature(
                "serving_default",
                "the definition",
                tuple((alias, f"{alias}:0", 7) for alias in inputs),
                {alias: f"{alias}:0" for alias in outputs},
            )
        }
        self.runs = []

    def run(self, api, feeds, fetches, arrays):
        self.runs.append((api, feeds, fetches, arrays[0].tolist()))
        return [self.outputs[fetch] for fetch in fetches]


@pytest.fixture
def account():
    with MemoryBudget(request_bytes=2**20, in_flight_bytes=2**20).account() as opened:
        yield opened


def asked(kind, count=2):
    request = kind()
    request.input.example_list.examples.extend(Example() for _ in range(count))
    return request


def classified(model, account, count=2):
    request = asked(classification_pb2.ClassificationRequest, count)
    result = classify(model, request, account).result
    return [[(one.label, one.score) for one in each.classes] for each in result.classifications]


def regressed(model, account, count=2):
    request = asked(regression_pb2.RegressionRequest, count)
    return [one.value for one in regress(model, request, account).result.regressions]


def test_labels_and_scores_come_alone_or_together(account):
    scores = np.array([[0.5, 0.25], [1, 0]], np.float32)
    labels = strings([b"cat", b"dog"], [b"dog", "Bär".encode()])
    assert classified(Model(scores=scores, classes=labels), account) == [
        [("cat", 0.5), ("dog", 0.25)],
        [("dog", 1.0), ("Bär", 0.0)],
    ]
    assert classified(Model(scores=scores), account) == [
        [("", 0.5), ("", 0.25)],
        [("", 1.0), ("", 0.0)],
    ]
    assert classified(Model(classes=labels), account)[0] == [("cat", 0.0), ("dog", 0.0)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model(inputs=(), scores=ONE_SCORE), "Expected one input Tensor"),
        (Model(inputs=("inputs", "more"), scores=ONE_SCORE), "Expected one input Tensor"),
        (Model(inputs=("x",), scores=ONE_SCORE), "No classification inputs found"),
        (Model(), "one or two output Tensors, found 0"),
        (Model(a=ONE_SCORE, b=ONE_SCORE, scores=ONE_SCORE), "Tensors, found 3"),
        (Model(a=ONE_SCORE, b=ONE_SCORE), 'at least one of "classes" or "scores"'),
        (Model(scores=ONE_SCORE.ravel()), r"\[batch_size num_classes\] but got \[2\]"),
        (Model(scores=ONE_SCORE[..., None]), r"but got \[2, 1, 1\]"),
        (Model(scores=ONE_SCORE.astype(float)), "scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        (Model(classes=ONE_SCORE), "classes Tensor of DT_STRING. Got: DT_FLOAT"),
        (Model(scores=ONE_SCORE[:1]), "scores output batch size of 2. Got: 1"),
        (Model(classes=strings([b"a"])), "classes output batch size of 2. Got: 1"),
        (
            Model(scores=ONE_SCORE, classes=strings([b"a", b"b"], [b"a", b"b"])),
            "Got 2 vs. 1",
        ),
        (Model(classes=strings([b"a"], [b"\xff"])), "not UTF-8"),
    ],
)
def test_signatures_and_outputs_that_do_not_classify(model, words, account):
    with pytest.raises(ServingError, match=words) as refused:
        classified(model, account)
    assert refused.value.code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize("outputs", [ONE_SCORE, ONE_SCORE.ravel()])
def test_values_come_as_a_row_or_as_a_column(outputs, account):
    assert regressed(Model(outputs=outputs), account) == [0.5, 0.25]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model(inputs=("inputs", "more"), outputs=ONE_SCORE), "Expected one input Tensor"),
        (Model(inputs=("x",), outputs=ONE_SCORE), "No regression inputs found"),
        (Model(outputs=ONE_SCORE, more=ONE_SCORE), "Expected one output Tensor"),
        (Model(scores=ONE_SCORE), "No regression outputs found"),
        (Model(outputs=np.zeros((2, 2), np.float32)), r"\[batch_size, 1\] but got \[2, 2\]"),
        (Model(outputs=np.zeros((2, 1, 1), np.float32)), r"but got \[2, 1, 1\]"),
        (Model(outputs=np.float32(1).reshape(())), r"but got \[\]"),
        (Model(outputs=ONE_SCORE[:1]), "output batch size: 2 vs. 1"),
        (Model(outputs=ONE_SCORE.astype(float)), "DT_FLOAT.  Got: DT_DOUBLE"),
    ],
)
def test_signatures_and_outputs_that_do_not_regress(model, words, account):
    with pytest.raises(ServingError, match=words) as refused:
        regressed(model, account)
    assert refused.value.code == Code.INVALID_ARGUMENT


def test_the_answer_names_version_and_signature_and_the_run_its_api(account):
    model = Model(outputs=ONE_SCORE)
    spec = regress(model, asked(regression_pb2.RegressionRequest), account).model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("m", 7, "serving_default")
    assert model.runs == [("Regress", ["inputs:0"], ["outputs:0"], [b"", b""])]


def test_examples_and_answers_are_counted_twice_and_four_times(account):
    regressed(Model(outputs=ONE_SCORE), account)
    # Two strings of 96 bytes each, copied by the graph; then two scores of four bytes, in four
    # copies, and a message for each.
    assert account.held_bytes == 2 * 2 * 96 + 4 * 8 + 2 * 192


def task(model, method, signature):
    made = inference_pb2.InferenceTask(method_name=method)
    made.model_spec.name, made.model_spec.signature_name = model, signature
    return made


def two_heads(second_input="inputs"):
    model = Model(scores=ONE_SCORE)
    other = Model(inputs=("inputs",), outputs=ONE_SCORE * 2)
    model.outputs |= other.outputs
    signature = other.signatures["serving_default"]
    model.signatures["value"] = ServableSignature(
        "value", "", (("inputs", f"{second_input}:0", 7),), signature.outputs
    )
    return model


def test_several_signatures_are_one_run(account):
    model, request = two_heads(), asked(inference_pb2.MultiInferenceRequest)
    request.tasks.extend([task("m", REGRESS_METHOD, "value"), task("m", CLASSIFY_METHOD, "")])
    first, second = multi_inference(model, request, account).results
    assert [one.value for one in first.regression_result.regressions] == [1.0, 0.5]
    assert second.classification_result.classifications[1].classes[0].score == 0.25
    assert [each.model_spec.signature_name for each in (first, second)] == [
        "value",
        "serving_default",
    ]
    [(api, feeds, fetches, _)] = model.runs
    assert (api, feeds, fetches) == ("MultiInference", ["inputs:0"], ["outputs:0", "scores:0"])


@pytest.mark.parametrize(
    ("model", "tasks", "words"),
    [
        (two_heads("other"), [("m", "value"), ("m", "")], "Input tensor must be the same"),
        (two_heads(), [("m", "value"), ("", "")], "empty model name"),
        (two_heads(), [("m", "value"), ("n", "")], "must access the same model name"),
        (two_heads(), [("m", ""), ("m", "serving_default")], "Duplicate evaluation"),
        (two_heads(), [("m", "no")], "Requested signature not found in model graph: no"),
    ],
)
def test_tasks_that_do_not_go_together(model, tasks, words, account):
    request = asked(inference_pb2.MultiInferenceRequest)
    for name, signature in tasks:
        method = REGRESS_METHOD if signature == "value" else CLASSIFY_METHOD
        request.tasks.append(task(name, method, signature))
    with pytest.raises(ServingError, match=words):
        multi_inference(model, request, account)
    assert model.runs == []
