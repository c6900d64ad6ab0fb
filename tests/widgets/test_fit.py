"""The explorer of what fits: bytes by part, devices, and where an accuracy comes from."""

import numpy as np
import pytest

from deployworkbook.plots.fit import MeasuredForm
from deployworkbook.widgets.fit import Simulation, fit_explorer, flash_needed, ram_needed

RANDOM = np.random.default_rng(0)
LABELS = np.arange(200) % 10
# Images that show their class: a row of pixels for each.
IMAGES = np.zeros((200, 28, 28))
IMAGES[np.arange(200), 2 * LABELS + 3] = 1
FORM = MeasuredForm(bits=4, sparsity=0.975, hidden=104, accuracy=0.98)


def network(hidden=40):
    """A network whose first ten neurons read the row of their class, and whose others do little."""
    before, after = RANDOM.normal(0, 1e-3, (784, hidden)), RANDOM.normal(0, 1e-3, (hidden, 10))
    for digit in range(10):
        row = slice(28 * (2 * digit + 3), 28 * (2 * digit + 4))
        before[row, digit] = 1
        after[digit, digit] = 1
    return [before, np.zeros(hidden), after, np.zeros(10)]


def test_dense_float32_is_too_large_and_sparse_int4_fits_nearly_everywhere():
    explorer = fit_explorer()
    result = explorer.set(bits=32, hidden=128, device="ATmega328P")
    # 4 · (784 · 128 + 128 · 10) weights, and biases of 4 bytes.
    assert result.flash_bytes[:2] == (406_528, 552)
    assert not result.fits
    assert "doesn't fit into ATmega328P" in explorer._view.picture.alt
    result = explorer.set(bits=4, sparsity=0.975, hidden=104)
    assert result.layout == "sparse int4"
    assert result.fits
    assert sum(result.flash_bytes) < 5000
    assert sum(result.ram_bytes) < 1400
    assert max(result.others.values()) <= 1


def test_zeros_pay_in_sparse_rows_only():
    assert flash_needed(32, 0.0, 64) == flash_needed(32, 0.95, 64)
    assert flash_needed(4, 0.6, 64)[0] == "int4"
    assert flash_needed(8, 0.6, 64)[0] == "sparse int8"
    for bits in (4, 8):
        sizes = [sum(flash_needed(bits, each, 64)[1]) for each in (0.3, 0.7, 0.9, 0.99)]
        assert sizes == sorted(sizes, reverse=True)


def test_ram_holds_the_image_the_sums_and_the_stack():
    # 4 bytes for each of 128 hidden sums and 10 scores, 784 pixels.
    assert ram_needed("int8", 128)[:2] == (784, 552)
    # Sparse rows finish one sum after another: 2 bytes each.
    assert ram_needed("sparse int4", 128)[:2] == (784, 296)


def test_a_measured_form_is_taken_before_a_simulated_one():
    explorer = fit_explorer([FORM], model=(network(), IMAGES, LABELS))
    result = explorer.set(bits=4, sparsity=0.975, hidden=104)
    assert (result.accuracy, result.basis) == (0.98, "measured")
    result = explorer.set(bits=8, sparsity=0.5, hidden=24)
    assert result.basis == "simulated"
    assert ("accuracy", "100.0% (simulated, without retraining)") in explorer._view.table(result)
    # Wider than the network that is cut.
    result = explorer.set(hidden=128)
    assert result.basis == "unknown"
    assert np.isnan(result.accuracy)


@pytest.mark.parametrize(
    ("bits", "sparsity", "hidden", "accuracy"),
    [
        (32, 0.0, 40, 1.0),
        (4, 0.5, 40, 1.0),  # what goes does little
        (32, 0.0, 10, 1.0),  # the ten neurons that matter
        (32, 0.0, 5, 0.5),  # five of them
        (32, 1.0, 40, 0.1),  # no weight is left, so every image is a 0
    ],
)
def test_a_simulation_cuts_what_matters_least(bits, sparsity, hidden, accuracy):
    simulation = Simulation(network(), IMAGES, LABELS)
    found = simulation.accuracy(bits, sparsity, hidden)
    assert found == pytest.approx(accuracy, abs=0.1 if hidden == 5 else 0)


@pytest.mark.parametrize(
    ("measured", "model", "match"),
    [
        ([MeasuredForm(5, 0.5, 10, 0.9)], None, "4, 8 or 32 bits"),
        ([MeasuredForm(8, 0.5, 10, 98.0)], None, "shares from 0 to 1"),
        ([], ([np.zeros((784, 5))], IMAGES, LABELS), "W_1, b_1, W_2, b_2"),
        ([], ([*network()[:3], np.zeros(9)], IMAGES, LABELS), "b_2"),
        ([], (network(), IMAGES, LABELS[:9]), "a label for each image"),
    ],
)
def test_wrong_forms_and_shapes_are_refused(measured, model, match):
    with pytest.raises(ValueError, match=match):
        fit_explorer(measured, model=model)
