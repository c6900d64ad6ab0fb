"""A language model's matrices with two of every four weights kept, alone and in blocks."""

import numpy as np
import pytest

from deployworkbook.compression.decoder_inputs import inputs_of
from deployworkbook.compression.decoder_pruning import prune_decoder
from deployworkbook.formulas.masks import n_of_m_mask
from deployworkbook.runtimes.decoder_graph import matrix_names
from tests.compression.random_coder import TEXT, error_of, random_coder, some_tokens


@pytest.fixture(scope="module")
def model():
    """A model whose widths differ in size, as those of trained ones do."""
    plain = random_coder()
    spread = np.exp(np.random.default_rng(0).normal(size=32)).astype(np.float32)
    norms = {name: spread for name in plain.weights if name.endswith("norm")}
    return plain.with_weights(norms)


@pytest.fixture(scope="module")
def forms(model):
    """By name: 2:4 by magnitude, with data, and in 4 bits."""
    taught = {"text": TEXT, "windows": 8}
    return {
        "magnitude": prune_decoder(model, score="magnitude"),
        "wanda": prune_decoder(model, **taught),
        "nearest": prune_decoder(model, bits=4, **taught),
        "gptq": prune_decoder(model, bits=4, rounding="gptq", **taught),
    }


def test_two_of_every_four_inputs_are_kept_and_nothing_else_changes(model, forms):
    for form in forms.values():
        assert set(form.masks) == set(matrix_names(model.shape))
        for name, array in form.model.weights.items():
            if name not in form.masks:
                np.testing.assert_array_equal(array, model.weights[name])
                continue
            groups = form.masks[name].reshape(-1, 4, array.shape[1])
            assert (groups.sum(axis=1) == 2).all()
            assert not array[~form.masks[name]].any()


def test_kept_weights_stay_as_they_are_without_bits(model, forms):
    for name, mask in forms["wanda"].masks.items():
        kept = forms["wanda"].model.weights[name][mask]
        np.testing.assert_array_equal(kept, model.weights[name][mask])


def test_the_data_decide_by_the_inputs_of_the_matrix(model, forms):
    name = "layers.0.query"
    rows = inputs_of(model, name, some_tokens(model))
    scores = np.abs(model.weights[name]) * np.linalg.norm(rows, axis=0)[:, None]
    same = n_of_m_mask(scores, keep=2, group=4) == forms["wanda"].masks[name]
    # The calibration text isn't quite these windows.
    assert same.mean() > 0.9 > (forms["magnitude"].masks[name] == forms["wanda"].masks[name]).mean()


def test_data_lower_the_error_of_pruning_and_of_rounding(model, forms):
    tokens = some_tokens(model)
    errors = {name: error_of(model, form.model, tokens) for name, form in forms.items()}
    assert errors["wanda"] < errors["magnitude"]
    assert errors["gptq"] < errors["nearest"]


def test_bits_count_positions_and_scales(forms):
    found = [forms[name].bits_per_weight for name in ("magnitude", "wanda", "nearest", "gptq")]
    # Half of 32 or of 4 bits, a bit for positions; 16 bits of scale for 32 weights.
    assert found == [17, 17, 3.5, 3.5]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"score": "size"}, "score"),
        ({}, "load_code_text"),
        ({"score": "magnitude", "text": TEXT}, "none for 'magnitude'"),
        ({"rounding": "gptq", "text": TEXT}, "2 to 8 for 'gptq'"),
        ({"score": "magnitude", "group": 5}, "a multiple of 5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(model, how, words):
    with pytest.raises(ValueError, match=words):
        prune_decoder(model, **how)
