"""The privacy explorer: ε, the noise, the bound, and measured accuracies."""

import pytest

from deployworkbook.formulas.privacy_accountant import training_epsilon
from deployworkbook.widgets.privacy import compute_privacy, privacy_explorer
from tests.widgets.attack_examples import CURVES, TRAININGS


def test_epsilon_is_the_accountants():
    result = compute_privacy(noise_multiplier=1.5, batch_size=540, epochs=10)
    assert result.steps == 1000
    expected = training_epsilon(1.5, sampling_rate=0.01, steps=1000, delta=1e-5)
    assert result.epsilon == expected


def test_larger_batches_drown_the_noise():
    """Ten times the images: the same noise in a sum ten times as long."""
    small, large = (
        compute_privacy(noise_multiplier=1.0, batch_size=each, epochs=1) for each in (100, 1000)
    )
    assert small.noise_to_signal == pytest.approx(10 * large.noise_to_signal)
    assert large.epsilon > small.epsilon


def test_table_names_the_nearest_training_within_epsilon():
    explorer = privacy_explorer(TRAININGS, attacks=CURVES)
    rows = dict(explorer._view.table(explorer.result))
    assert explorer.result.epsilon < 8
    assert rows["accuracy of the nearest training within ε"] == "92.0% at ε = 1.00"
    explorer.set(noise_multiplier=20.0, epochs=1)
    rows = dict(explorer._view.table(explorer.result))
    assert rows["accuracy of the nearest training within ε"] == "none trained"


def test_few_images_offer_no_batch_larger_than_themselves():
    explorer = privacy_explorer(examples=300)
    assert explorer.set(batch_size=256).batch_size == 256
    with pytest.raises(ValueError, match="batch_size"):
        explorer.set(batch_size=512)


@pytest.mark.parametrize("arguments", [{"examples": 99}, {"delta": 0.0}, {"delta": 1.0}])
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        privacy_explorer(**arguments)
