"""Pairs of students: what they share, what is kept, what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.compression import distill, students
from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.distill import learn_from
from deployworkbook.compression.pairs import Lessons, train_pairs
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


def test_a_comparison_is_cached_and_another_temperature_is_another(
    taught, digits, tmp_path, monkeypatch
):
    asked = {"settings": LONG, "hidden_units": 8, "seeds": (0, 1), "images": 100}
    first = compare_students(taught, digits.test, folder=tmp_path, **asked)
    made = []
    train = students.train_pairs
    monkeypatch.setattr(students, "train_pairs", lambda *a, **k: made.append(k) or train(*a, **k))
    again = compare_students(taught, digits.test, folder=tmp_path, **asked)
    assert made == []
    np.testing.assert_array_equal(again.accuracy_alone, first.accuracy_alone)
    np.testing.assert_array_equal(again.accuracy_distilled, first.accuracy_distilled)
    asked["settings"] = replace(LONG, temperature=5.0)
    other = compare_students(taught, digits.test, folder=tmp_path, **asked)
    assert len(made) == 1
    # Without a teacher, the temperature changes nothing.
    for ours, theirs in zip(first.alone, other.alone, strict=True):
        np.testing.assert_array_equal(ours.get_weights()[0], theirs.get_weights()[0])
    assert not np.array_equal(
        first.distilled[0].get_weights()[0], other.distilled[0].get_weights()[0]
    )


@pytest.mark.parametrize(("decay", "seeds"), [("cosine", (4, 7)), ("constant", (7,))])
def test_students_in_numpy_equal_those_of_tensorflow(taught, decay, seeds):
    settings = Settings(
        epochs=1, learning_rate=0.003, temperature=3.0, hard_weight=0.3, decay=decay
    )
    rows = 500
    made = train_pairs(
        Lessons.of(taught), settings=settings, hidden_units=8, seeds=seeds, images=rows
    )
    for seed, pair in zip(seeds, made, strict=True):
        chosen = np.random.default_rng(seed).choice(len(taught.images), rows, replace=False)
        few = taught.chosen(np.sort(chosen))
        for ours, examples in zip(pair, (few.without_teacher(), few), strict=True):
            theirs = distill.student(
                examples, settings=replace(settings, seed=seed), hidden_units=8
            ).get_weights()
            for a, b in zip(ours, theirs, strict=True):
                # Each step moves a weight by up to 0.003, whatever its gradient's size; where that
                # is near float32's rounding, the order of sums decides a small part of it.
                np.testing.assert_allclose(a, b, atol=1e-4)


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
    moved = replace(taught, augmentations=(Augmentation(right=1),))
    with pytest.raises(ValueError, match="aren't moved"):
        compare_students(moved, digits.test, seeds=(0, 1), **asked)
    asked["settings"] = replace(LONG, dropout=True)
    with pytest.raises(ValueError, match="dropout"):
        compare_students(taught, digits.test, seeds=(0, 1), **asked)


def test_chosen_examples_keep_their_labels_and_logits(taught):
    rows = np.array([5, 3])
    part = taught.chosen(rows)
    np.testing.assert_array_equal(part.images, taught.images[rows])
    np.testing.assert_array_equal(part.labels, taught.labels[rows])
    np.testing.assert_array_equal(part.teacher_logits, taught.teacher_logits[:, rows])
    assert isinstance(part.without_teacher(), Examples)
    assert part.without_teacher().teacher_logits is None
