"""The learning-rate schedule, by hand and against Keras."""

import numpy as np
import pytest

from deployworkbook.formulas.schedules import cosine_decay
from deployworkbook.training.keras2 import keras


def test_half_a_wave_by_hand():
    # cos 0 = 1, cos π/3 = 1/2, cos π/2 = 0, cos 2π/3 = -1/2, cos π = -1
    rates = cosine_decay([0, 2, 3, 4, 6, 7], 6, 0.4)
    np.testing.assert_allclose(rates, [0.4, 0.3, 0.2, 0.1, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("warm_up", [0, 10])
def test_it_equals_keras(warm_up):
    theirs = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else 0.25,
        100 - warm_up,
        warmup_target=0.25 if warm_up else None,
        warmup_steps=warm_up,
    )
    steps = np.arange(101)
    expected = [float(theirs(step)) for step in steps]  # in float32
    ours = cosine_decay(steps, 100, 0.25, warm_up=warm_up)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"step": -1}, "step: "),
        ({"steps": 0}, "steps: "),
        ({"highest": 0.0}, "highest: "),
        ({"warm_up": 10}, "warm_up: "),
    ],
)
def test_settings_out_of_range_are_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        cosine_decay(**{"step": 1, "steps": 10, "highest": 0.1} | settings)
