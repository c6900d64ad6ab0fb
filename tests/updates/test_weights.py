"""New weights in an old file: what was not trained keeps its bytes."""

import numpy as np
import pytest

from deployworkbook.compression.layers import dense_layers
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.updates.comparison import parameters_of
from deployworkbook.updates.weights import with_weights

FORMS = ("float32", "dynamic", "full")


def accuracy(content, split):
    return (LiteRTPredictor(content)(split.images).argmax(axis=1) == split.labels).mean()


@pytest.mark.parametrize("form", FORMS)
def test_a_files_own_weights_change_no_byte(form, files, parameters, digits):
    assert accuracy(files[form], digits.test) > 0.85
    assert with_weights(files[form], parameters) == files[form]
    assert with_weights(files[form], parameters, scales="new") == files[form]


@pytest.mark.parametrize("form", FORMS)
def test_a_trained_output_layer_leaves_the_rest_alone(form, files, parameters):
    changed = [*parameters[:2], parameters[2] * 0.9, parameters[3] + 0.01]
    content = with_weights(files[form], changed)
    before, after = dense_layers(files[form]), dense_layers(content)
    assert len(content) == len(files[form])
    np.testing.assert_array_equal(before[0].weights, after[0].weights)
    np.testing.assert_array_equal(before[0].bias, after[0].bias)
    found = parameters_of(content)[2]
    step = 0.0 if form == "float32" else float(after[1].weight_grid.scale.max())
    assert np.abs(found - changed[2]).max() <= step / 2 + 1e-6
    if form != "float32":
        np.testing.assert_array_equal(before[1].weight_grid.scale, after[1].weight_grid.scale)


@pytest.mark.parametrize("form", ["dynamic", "full"])
def test_old_scales_clip_what_exceeds_them_and_new_scales_fit(form, files, parameters):
    doubled = [parameters[0] * 2, *parameters[1:]]
    old = dense_layers(with_weights(files[form], doubled))[0]
    new = dense_layers(with_weights(files[form], doubled, scales="new"))[0]
    assert np.abs(old.kernel).max() < 0.6 * np.abs(doubled[0]).max()
    assert np.abs(new.kernel - doubled[0]).max() <= new.weight_grid.scale.max() / 2 * 1.001


@pytest.mark.parametrize("form", ["dynamic", "full"])
def test_a_file_with_new_scales_still_classifies(form, files, parameters, digits):
    scaled = [parameters[0] * 1.7, parameters[1] * 1.7, *parameters[2:]]
    content = with_weights(files[form], scaled, scales="new")
    assert accuracy(content, digits.test) > (0.85 if form == "dynamic" else 0.5)


def test_other_shapes_are_refused(files, parameters):
    with pytest.raises(ValueError, match="expected 4, a kernel and a bias for each"):
        with_weights(files["float32"], parameters[:2])
    with pytest.raises(ValueError, match=r"the file's, \(784, 16\)"):
        with_weights(files["float32"], [parameters[0].T, *parameters[1:]])
