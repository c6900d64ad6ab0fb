"""Requests split between two versions, and what is said of them."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import Prediction
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.release.canary import CANARY, STABLE, CanaryRouter, arm_of
from deployworkbook.serving.release.comparison import (
    PROMOTE,
    ROLL_BACK,
    WAIT,
    ArmResult,
    Criteria,
    compare_canary,
)

KEYS = st.one_of(st.text(), st.integers(), st.tuples(st.integers(), st.text()))


@given(KEYS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 5))
def test_a_larger_share_keeps_all_that_the_smaller_had(key, one, other, seed):
    small, large = sorted((one, other))
    if arm_of(key, small, seed=seed) == CANARY:
        assert arm_of(key, large, seed=seed) == CANARY
    assert arm_of(key, one, seed=seed) == arm_of(key, one, seed=seed)
    assert (arm_of(key, 0, seed=seed), arm_of(key, 1, seed=seed)) == (STABLE, CANARY)


@settings(max_examples=20)
@given(st.floats(0.01, 0.99), st.integers(0, 1000))
def test_the_share_is_kept(share, seed):
    count = sum(arm_of(key, share, seed=seed) == CANARY for key in range(5000))
    # Five standard deviations of a binomial number.
    assert abs(count - 5000 * share) < 5 * np.sqrt(5000 * share * (1 - share)) + 1


def test_another_seed_draws_another_sample():
    chosen = [{key for key in range(200) if arm_of(key, 0.5, seed=s) == CANARY} for s in (0, 1)]
    assert chosen[0] != chosen[1]


class FakeClient:
    """Answers with class 1; the named versions fail as they are told."""

    def __init__(self, **failures):
        self.failures, self.asked = failures, []

    def predict(self, inputs, *, model, label=None, version=None, signature, deadline_s):
        self.asked.append(label or version)
        failure = self.failures.get(str(label or version))
        if failure is not None:
            raise RequestError(failure, "as told")
        rows = np.tile([0.1, 0.8, 0.1], (len(inputs), 1))
        return Prediction({"y": rows}, model, version)


def test_keys_stay_with_their_version_and_labels_are_counted():
    client = FakeClient()
    router = CanaryRouter(client, "m", share=0.5, seed=3)
    for _ in range(3):
        for user in range(20):
            router.predict(np.zeros((2, 4)), key=user, labels=[1, 0])
    assert client.asked == 3 * [arm_of(user, 0.5, seed=3) for user in range(20)]
    arms = {name: router.result(name) for name in (STABLE, CANARY)}
    assert sum(arm.requests for arm in arms.values()) == 60
    for name, arm in arms.items():
        assert arm.requests == client.asked.count(name)
        assert (arm.correct, arm.examples) == (arm.requests, 2 * arm.requests)
        assert len(arm.latencies_ms) == arm.requests
    router.observe(CANARY, correct=3, examples=4)
    assert router.result(CANARY).correct == arms[CANARY].correct + 3


def test_numbers_name_versions_and_texts_labels():
    client = FakeClient()
    CanaryRouter(client, "m", stable=1, canary="next", share=0).predict([1])
    CanaryRouter(client, "m", stable=1, canary="next", share=1).predict([1])
    assert client.asked == [1, "next"]


def test_where_the_canary_fails_the_stable_version_answers_and_the_error_counts():
    client = FakeClient(canary=Code.INTERNAL)
    router = CanaryRouter(client, "m", share=1)
    assert router.predict([1]).output.shape == (1, 3)
    assert client.asked == [CANARY, STABLE]
    assert (router.result(CANARY).requests, router.result(CANARY).errors) == (1, 1)
    strict = CanaryRouter(client, "m", share=1, fall_back=False)
    with pytest.raises(RequestError, match="INTERNAL: as told"):
        strict.predict([1])


def test_a_wrong_request_is_no_fault_of_the_version():
    client = FakeClient(canary=Code.INVALID_ARGUMENT)
    router = CanaryRouter(client, "m", share=1)
    with pytest.raises(RequestError, match="INVALID_ARGUMENT"):
        router.predict([1])
    assert client.asked == [CANARY]
    assert router.result(CANARY).requests == 0


def test_a_failing_stable_version_is_an_error():
    router = CanaryRouter(FakeClient(stable=Code.UNAVAILABLE), "m", share=0)
    with pytest.raises(RequestError, match="UNAVAILABLE"):
        router.predict([1])
    assert router.result(STABLE).errors == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"share": 1.1}, r"share: expected a finite number in \[0, 1\]"),
        ({"stable": 2, "canary": 2}, "expected two versions or labels. Received: 2"),
    ],
)
def test_a_split_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        CanaryRouter(FakeClient(), "m", **arguments)


def test_labels_of_another_number_are_refused():
    router = CanaryRouter(FakeClient(), "m")
    with pytest.raises(ValueError, match=r"labels: expected the shape of the predicted classes"):
        router.predict([1, 2], labels=[1])
    with pytest.raises(ValueError, match="arm: expected one of 'stable', 'canary'"):
        router.observe("beta", correct=1, examples=1)


def test_threads_lose_no_count():
    router = CanaryRouter(FakeClient(), "m", share=0.3)
    threads = [
        threading.Thread(target=lambda: [router.predict([1], labels=[1]) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arms = [router.result(name) for name in (STABLE, CANARY)]
    assert sum(arm.requests for arm in arms) == sum(arm.correct for arm in arms) == 800


def arm(requests=4000, errors=0, accuracy=0.97, latency_ms=1.0, examples=None):
    examples = requests if examples is None else examples
    spread = np.linspace(0.9, 1.1, requests - errors)
    return ArmResult(requests, errors, round(accuracy * examples), examples, latency_ms * spread)


@pytest.mark.parametrize(
    ("canary", "verdict", "words"),
    [
        (arm(), PROMOTE, "latency: quantile 0.5 at 1.00 ms, and 1.00 ms of the stable version"),
        (arm(accuracy=0.99), PROMOTE, "accuracy: 99.00% of 4,000 right, and 97.00% of 4,000"),
        (arm(accuracy=0.93), ROLL_BACK, "points, down to -1.00 allowed: roll back"),
        (arm(accuracy=0.965), WAIT, "points, down to -1.00 allowed: not enough data"),
        (arm(errors=100), ROLL_BACK, "errors: 2.50% of 4,000 failed, and 0.00% of 4,000 of the"),
        (arm(latency_ms=1.5), ROLL_BACK, "times as long, up to 1.20 allowed: roll back"),
        (arm(latency_ms=0.5), PROMOTE, "up to 1.20 allowed: promote"),
        (arm(requests=20), WAIT, "errors: 0.00% of 20 failed"),
        (arm(examples=0), WAIT, "accuracy: no labels of one version: not enough data"),
        (arm(requests=0), WAIT, "errors: one version got no request: not enough data"),
        (arm(requests=4, errors=4), ROLL_BACK, "latency: one version has answered nothing"),
        (arm(requests=3), WAIT, "too few to bound it"),
    ],
)
def test_verdicts(canary, verdict, words):
    comparison = compare_canary(arm(), canary, Criteria())
    assert comparison.verdict == verdict, str(comparison)
    assert str(comparison).startswith(f"{verdict}:")
    assert words in " ".join(str(comparison).split())
    assert max(map(len, str(comparison).splitlines())) <= 80


def test_a_99th_percentile_takes_more_requests():
    criteria = Criteria(latency_quantile=0.99)
    few, many = arm(requests=300), arm(requests=3000)
    assert compare_canary(few, few, criteria).checks[2].verdict == WAIT
    assert compare_canary(many, many, criteria).checks[2].verdict == PROMOTE


def test_a_verdict_is_as_sure_as_it_says():
    """Two equal versions: the canary is sent back in no more than 5 of 100, about."""
    generator = np.random.default_rng(0)
    criteria = Criteria(accuracy_loss=0.0, error_share=0.0)
    verdicts = []
    for _ in range(300):
        arms = [
            ArmResult(
                400, 0, int(generator.binomial(400, 0.9)), 400, generator.exponential(1.0, 400)
            )
            for _ in range(2)
        ]
        verdicts.append(compare_canary(*arms, criteria).verdict)
    # One-sided 2.5 % for accuracy, less for latency, where both intervals must part.
    assert verdicts.count(ROLL_BACK) <= 18
    assert verdicts.count(WAIT) > 200


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Criteria(latency_ratio=0.9), "latency_ratio"),
        (lambda: Criteria(confidence=1.0), "confidence"),
        (lambda: ArmResult(requests=1, errors=2), "errors"),
        (lambda: ArmResult(requests=1, correct=1), "correct"),
    ],
)
def test_impossible_numbers_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
