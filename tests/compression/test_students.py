"""Pairs of students: what they share, what is kept, what is said of them."""

import numpy as np
import pytest

from deployworkbook.compression import distill
from deployworkbook.compression.distill import learn_from
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.students import StudentComparison, compare_students
from deployworkbook.compression.training_set import Examples

LONG = Settings(epochs=15, learning_rate=0.01, temperature=3.0)


@pytest.fixture(scope="module")
def taught(model, digits, tmp_path_factory):
    return learn_from(digits, model, folder=tmp_path_factory.mktemp("logits"))


def comparison(alone, distilled):
    return StudentComparison(16, 100, (), (), np.array(alone), np.array(distilled))


def test_with_labels_alone_both_students_of_a_pair_are_equal(taught, digits, tmp_path):
    settings = Settings(epochs=1, hard_weight=1.0)
    found = compare_students(
        taught,
        digits.test,
        settings=settings,
        hidden_units=8,
        seeds=(0, 1),
        images=300,
        folder=tmp_path,
    )
    for alone, distilled in zip(found.alone, found.distilled, strict=True):
        for a, b in zip(alone.get_weights(), distilled.get_weights(), strict=True):
            # The same steps, in graphs that may round differently.
            np.testing.assert_allclose(a, b, atol=1e-5)
    assert not np.allclose(found.alone[0].get_weights()[0], found.alone[1].get_weights()[0])
    assert (found.images, found.hidden_units) == (300, 8)


def test_students_are_cached_and_those_without_a_teacher_for_every_temperature(
    taught, digits, tmp_path, monkeypatch
):
    asked = {"settings": LONG, "hidden_units": 8, "seeds": (0, 1), "images": 100}
    first = compare_students(taught, digits.test, folder=tmp_path, **asked)
    made = []
    train = distill.student
    monkeypatch.setattr(distill, "student", lambda *a, **k: made.append(k) or train(*a, **k))
    again = compare_students(taught, digits.test, folder=tmp_path, **asked)
    assert made == []
    np.testing.assert_array_equal(again.accuracy_alone, first.accuracy_alone)
    np.testing.assert_array_equal(again.accuracy_distilled, first.accuracy_distilled)
    asked["settings"] = Settings(epochs=15, learning_rate=0.01, temperature=5.0)
    compare_students(taught, digits.test, folder=tmp_path, **asked)
    assert [each["settings"].seed for each in made] == [0, 1]


def test_the_verdict_follows_the_interval():
    assert comparison([0.90, 0.91, 0.90], [0.92, 0.93, 0.921]).verdict == "distilled is better"
    assert comparison([0.92, 0.93, 0.921], [0.90, 0.91, 0.90]).verdict == "distilled is worse"
    unclear = comparison([0.90, 0.92, 0.91], [0.91, 0.91, 0.92])
    assert unclear.verdict == "no difference is shown"
    low, high = unclear.interval
    assert low < unclear.differences.mean() < high


def test_invalid_comparisons_are_refused(taught, digits):
    asked = {"settings": LONG, "hidden_units": 8}
    with pytest.raises(ValueError, match="labels alone"):
        compare_students(taught.without_teacher(), digits.test, seeds=(0, 1), **asked)
    with pytest.raises(ValueError, match="two or more"):
        compare_students(taught, digits.test, seeds=(0,), **asked)
    with pytest.raises(ValueError, match="images"):
        compare_students(taught, digits.test, seeds=(0, 1), images=10**6, **asked)


def test_chosen_examples_keep_their_labels_and_logits(taught):
    rows = np.array([5, 3])
    part = taught.chosen(rows)
    np.testing.assert_array_equal(part.images, taught.images[rows])
    np.testing.assert_array_equal(part.labels, taught.labels[rows])
    np.testing.assert_array_equal(part.teacher_logits, taught.teacher_logits[:, rows])
    assert isinstance(part.without_teacher(), Examples)
    assert part.without_teacher().teacher_logits is None
