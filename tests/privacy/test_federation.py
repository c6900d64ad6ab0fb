"""Devices that train one network together."""

import numpy as np
import pytest

from deployworkbook.formulas.federated import update_bytes
from deployworkbook.privacy.federation import FederationRecipe, federate

ALIKE = {"clients": 8, "per_round": 4, "rounds": 5, "hidden_units": 24, "batch_size": 16}


@pytest.fixture(scope="module")
def alike(digits, kept_models):
    return federate(digits, FederationRecipe(**ALIKE), folder=kept_models)


def test_devices_learn_together(alike):
    assert alike.accuracy.value > 0.6
    assert alike.accuracies[0].value < alike.accuracy.value
    assert alike.answered == (4,) * 5
    assert 1 <= alike.rounds_until(alike.accuracy.value) <= 5
    assert alike.rounds_until(1.0) is None


def test_bytes_are_those_of_models_down_and_updates_up(alike, digits, kept_models):
    shapes = [each.shape for each in alike.weights]
    assert alike.bytes_sent[-1] == 5 * 4 * 2 * update_bytes(shapes)
    small = federate(digits, FederationRecipe(**ALIKE, bits=8), folder=kept_models)
    np.testing.assert_array_equal(small.bytes_up, 4 * update_bytes(shapes, bits=8))
    np.testing.assert_array_equal(small.bytes_down, alike.bytes_down)
    assert abs(small.accuracy.value - alike.accuracy.value) < 0.1


def test_devices_with_few_classes_learn_slower(alike, digits, kept_models):
    apart = federate(digits, FederationRecipe(**ALIKE, concentration=0.1), folder=kept_models)
    assert apart.class_shares.mean() > alike.class_shares.mean() + 0.2
    assert apart.accuracy.value < alike.accuracy.value


def test_devices_that_drop_out_send_nothing(digits, kept_models):
    recipe = FederationRecipe(**{**ALIKE, "rounds": 3}, drop_out=0.6)
    partly = federate(digits, recipe, folder=kept_models)
    assert sum(partly.answered) < 12
    assert partly.bytes_up.tolist() == [
        count * update_bytes([each.shape for each in partly.weights]) for count in partly.answered
    ]


def test_one_device_more_than_asked_is_refused():
    with pytest.raises(ValueError, match="per_round"):
        FederationRecipe(clients=3, per_round=4)


@pytest.mark.report
@pytest.mark.mnist
def test_federated_averaging_on_mnist(mnist, mnist_workspace):
    print()
    for change in ({}, {"concentration": 0.1}, {"drop_out": 0.3}, {"bits": 8}):
        run = federate(mnist, FederationRecipe(**change), folder=mnist_workspace.models)
        rounds = [round(each.value, 3) for each in run.accuracies[:: len(run.accuracies) // 5]]
        sent = run.bytes_sent[-1] / 1e6
        print(change, rounds, run.accuracy, f"{sent:.1f} MB, 90 % after", run.rounds_until(0.9))
