"""Ways of updating: what each learns, forgets, and takes to send."""

import numpy as np
import pytest

from deployworkbook.formulas.shares import Share
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.updates.comparison import compare_updates
from deployworkbook.updates.retraining import Way, retrain
from deployworkbook.updates.scores import Change

QUICK = {"epochs": 6, "learning_rate": 0.005, "batch_size": 16}
WAYS = (
    Way("all", **QUICK),
    Way("replay", replayed=300, **QUICK),
    Way("output", is_partial=True, **QUICK),
)


@pytest.fixture(scope="module")
def comparison(files, digits):
    forms = {"float32": files["float32"], "int8": files["full"]}
    return compare_updates(forms, digits, labelled=140, ways=WAYS)


def test_all_weights_learn_most_and_the_output_layer_sends_least(comparison):
    everything, replay, output = (each.forms["int8"] for each in comparison.results)
    before = comparison.drifted["int8"].value
    assert before < 0.8 < comparison.clean["int8"].value
    assert everything.drifted.value > before + 0.05
    assert output.drifted.value > before
    assert output.patch.patch_bytes < 0.2 * everything.patch.patch_bytes
    assert everything.patch.patch_bytes < everything.new_scales.patch_bytes
    assert replay.clean.value >= everything.clean.value


def test_forgetting_is_counted_on_the_same_images(comparison, files, digits):
    form = comparison.results[0].forms["float32"]
    right = [
        LiteRTPredictor(content)(digits.test.images).argmax(1) == digits.test.labels
        for content in (files["float32"], form.content)
    ]
    assert form.forgotten.lost == (right[0] & ~right[1]).sum()
    assert form.forgotten.gained == (right[1] & ~right[0]).sum()
    low, high = form.forgotten.interval
    assert low <= form.forgotten.difference <= high
    assert form.clean.count - comparison.clean["float32"].count == (
        form.forgotten.gained - form.forgotten.lost
    )


def test_rows_begin_without_an_update_and_name_their_units(comparison):
    rows = comparison.rows()
    assert [row["update"] for row in rows] == ["none"] * 2 + [w.name for w in WAYS for _ in "ab"]
    assert rows[2]["new_scales_bytes"] is None
    assert rows[3]["new_scales_bytes"] > rows[3]["patch_bytes"]
    low, high = rows[3]["drifted_interval"]
    assert low < rows[3]["drifted"] < high


def test_only_the_output_layer_changes(parameters, digits):
    way = Way("output", is_partial=True, epochs=1)
    updated = retrain(parameters, way, digits.validation, digits.train)
    for before, after in zip(parameters[:2], updated[:2], strict=True):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(parameters[2], updated[2])
    again = retrain(parameters, way, digits.validation, digits.train)
    np.testing.assert_array_equal(updated[2], again[2])


def test_from_scratch_forgets_the_weights_and_not_the_shapes(parameters, digits):
    way = Way("scratch", replayed=50, from_scratch=True, epochs=1)
    updated = retrain(parameters, way, digits.validation.take(20), digits.train)
    assert [each.shape for each in updated] == [each.shape for each in parameters]
    assert abs(np.corrcoef(updated[0].ravel(), parameters[0].ravel())[0, 1]) < 0.1


def test_the_float32_file_is_needed(files, digits):
    with pytest.raises(ValueError, match="expected 'float32' among them"):
        compare_updates({"int8": files["full"]}, digits)


def test_scores_have_intervals():
    assert Share(90, 100).value == 0.9
    assert Share(90, 100).interval[0] < 0.9
    assert Change(lost=5, gained=15, examples=100).difference == pytest.approx(0.1)
    assert Change(lost=5, gained=15, examples=100).interval[0] > 0
