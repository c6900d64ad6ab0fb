"""Federated averaging and secure aggregation."""

import numpy as np
import pytest

from deployworkbook.formulas.federated import (
    dirichlet_split,
    federated_mean,
    rounded_update,
    update_bytes,
)
from deployworkbook.formulas.secure_aggregation import (
    as_integers,
    masked,
    pair_seeds,
    sum_of_masked,
)

LABELS = np.repeat(np.arange(10), 60)


def test_mean_weighs_clients_by_their_examples():
    updates = [[np.full((2, 2), k), np.array([10.0 * k])] for k in (0.0, 1.0, 2.0)]
    kernel, bias = federated_mean(updates, [1, 1, 2])
    np.testing.assert_allclose(kernel, 1.25)
    np.testing.assert_allclose(bias, 12.5)
    with pytest.raises(ValueError, match="one per number of examples"):
        federated_mean(updates, [1, 1])


@pytest.mark.parametrize("concentration", [0.01, 1.0, 100.0])
def test_split_gives_each_example_to_one_client(concentration):
    parts = dirichlet_split(LABELS, 20, concentration=concentration, seed=1)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(LABELS)))
    assert min(map(len, parts)) >= 1


def test_a_small_concentration_leaves_clients_few_classes():
    def largest_share(concentration):
        parts = dirichlet_split(LABELS, 10, concentration=concentration, seed=0)
        return np.mean([np.bincount(LABELS[part]).max() / len(part) for part in parts])

    assert largest_share(100.0) < 0.2 < 0.5 < largest_share(0.1)


def test_rounded_updates_are_within_half_a_step_and_a_quarter_of_the_bytes():
    update = [np.random.default_rng(0).normal(size=(784, 128)), np.zeros(128)]
    rounded = rounded_update(update)
    step = np.abs(update[0]).max() / 127
    assert np.abs(rounded[0] - update[0]).max() <= step / 2 * (1 + 1e-6)
    np.testing.assert_array_equal(rounded[1], 0)
    shapes = [values.shape for values in update]
    assert update_bytes(shapes) == 4 * 100_480
    assert update_bytes(shapes, bits=8) == 100_480 + 8


def test_masks_cancel_in_the_sum_and_hide_each_update():
    generator = np.random.default_rng(0)
    clients, scale = 5, 1e-6
    updates = generator.normal(0, 0.1, (clients, 2000))
    integers = [as_integers(values, scale=scale, clients=clients) for values in updates]
    secrets = pair_seeds(clients, seed=7)
    sent = [masked(integers[k], k, secrets[k]) for k in range(clients)]
    exact = np.rint(updates / scale).sum(axis=0) * scale
    np.testing.assert_allclose(sum_of_masked(sent, scale=scale), exact, rtol=0, atol=1e-12)
    # What one client sends is uniform: its mean is that of all 32-bit numbers.
    assert abs(sent[0].mean() / 2**32 - 0.5) < 0.03
    assert abs(np.corrcoef(sent[0], updates[0])[0, 1]) < 0.08


def test_the_others_secrets_repair_the_sum_when_a_client_drops_out():
    secrets = pair_seeds(3, seed=0)
    integers = [as_integers(np.full(4, value), scale=0.5, clients=3) for value in (1.0, 2.0, 4.0)]
    sent = [masked(integers[k], k, secrets[k]) for k in (0, 1)]
    assert not np.allclose(sum_of_masked(sent, scale=0.5), 3.0)
    gone = masked(np.zeros(4, np.uint32), 2, secrets[2])
    np.testing.assert_array_equal(sum_of_masked([*sent, gone], scale=0.5), 3.0)


def test_numbers_too_large_for_the_sum_are_refused():
    with pytest.raises(ValueError, match="Take a larger scale"):
        as_integers([3.0], scale=1e-9, clients=2)
    with pytest.raises(ValueError, match="Use as_integers"):
        masked(np.zeros(3, np.int64), 0, {})
