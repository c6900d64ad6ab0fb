"""Membership inference, on networks that learned few images by heart."""

import numpy as np
import pytest

from deployworkbook.privacy.form_leakage import leakage_of_forms
from deployworkbook.privacy.forms import FormSettings
from deployworkbook.privacy.inversion import invert_classes
from deployworkbook.privacy.learning import NetworkRecipe
from deployworkbook.privacy.membership_attack import (
    LeakageRecipe,
    study_leakage,
    threshold_attack,
)
from deployworkbook.privacy.private_training import PrivateRecipe

BY_HEART = NetworkRecipe(hidden_units=24, epochs=60, learning_rate=0.1)
OVERFITTED = LeakageRecipe(images=100, shadows=8, network=BY_HEART)


@pytest.fixture(scope="module")
def study(digits, kept_models):
    return study_leakage(digits, OVERFITTED, folder=kept_models)


def test_each_network_learned_from_half_of_the_pool(study):
    assert study.members.shape == (9, 200)
    assert set(study.members.sum(axis=0)) <= {4, 5}
    assert len(study.examples(0)) == study.members[0].sum()


def test_shadow_models_find_more_members_than_a_threshold(study):
    lira, threshold = study.attacks("lira"), study.attacks("threshold")
    assert lira.auc > threshold.auc > 0.5
    assert lira.interval[0] > 0.6
    low, high = study.attack("lira", target=1).interval
    assert low < study.attack("lira", target=1).auc < high
    assert f"AUC {lira.auc:.3f}" in str(lira)


def test_an_attack_has_what_a_plot_needs(study):
    attack = study.attack()
    curve = attack.roc
    assert curve.false_positive_rate[0] == curve.true_positive_rate[0] == 0
    assert curve.false_positive_rate[-1] == curve.true_positive_rate[-1] == 1
    assert attack.found.of == study.members[0].sum()


def test_a_study_is_made_once(study, digits, kept_models):
    again = study_leakage(digits, OVERFITTED, folder=kept_models)
    np.testing.assert_array_equal(study.margins, again.margins)


def test_private_networks_leak_less(study, digits, kept_models):
    private = PrivateRecipe(epsilon=2, steps=30, hidden_units=24)
    recipe = LeakageRecipe(images=100, shadows=8, private=private)
    quiet = study_leakage(digits, recipe, folder=kept_models)
    assert quiet.attacks().auc < study.attacks().auc - 0.05


def test_forms_are_compared_in_pairs(study, digits, kept_models):
    settings = FormSettings(sparsity=0.9, pruned_epochs=2, student_units=8, student_epochs=4)
    leaks = leakage_of_forms(study, digits, targets=3, settings=settings, folder=kept_models)
    assert list(leaks) == ["float32", "int8", "int4", "pruned", "distilled"]
    assert leaks["float32"].change() == (0.0, (0.0, 0.0))
    mean, (low, high) = leaks["pruned"].change()
    assert low <= mean <= high
    expected = leaks["pruned"].lira.areas - leaks["float32"].lira.areas
    assert mean == pytest.approx(expected.mean())
    # Rounding to 8 bits hardly moves a margin.
    assert abs(leaks["int8"].change()[0]) < 0.01


def test_too_few_images_are_refused(digits):
    with pytest.raises(ValueError, match="half of the training images"):
        study_leakage(digits, LeakageRecipe(images=1000))


def test_a_threshold_needs_no_shadow_models(network, digits):
    attack = threshold_attack(network.weights, digits.train, digits.validation)
    low, high = attack.interval
    assert 0.4 < low < attack.auc < high < 0.7


def test_pictures_resemble_what_was_learned(network, digits):
    drawn = invert_classes(network.weights, digits.train, steps=60)
    assert drawn.recognised >= 8
    assert (drawn.confidences > 0.9).all()
    assert drawn.images.min() >= 0
    assert drawn.images.max() <= 1


@pytest.mark.mnist
def test_a_few_images_of_mnist_are_found_by_shadow_models(mnist, tmp_path):
    recipe = LeakageRecipe(images=200, shadows=8, network=BY_HEART)
    assert study_leakage(mnist, recipe, folder=tmp_path).attacks().interval[0] > 0.55


@pytest.mark.report
@pytest.mark.mnist
def test_leakage_on_mnist(mnist, mnist_workspace):
    folder = mnist_workspace.models
    overfitted = study_leakage(mnist, LeakageRecipe(), folder=folder)
    private = study_leakage(mnist, LeakageRecipe(private=PRIVATE_SMALL), folder=folder)
    for name, study in (("overfitted", overfitted), ("ε = 8", private)):
        print(f"\n{name}: accuracy {np.mean([each.value for each in study.accuracies]):.1%}")
        for method in ("threshold", "lira"):
            print("  ", method, study.attack(method), "| over targets", study.attacks(method))
    for name, leak in leakage_of_forms(overfitted, mnist, folder=folder).items():
        print("  ", name, f"{leak.accuracies.mean():.1%}", leak.lira, "change", leak.change())
    assert overfitted.attacks().auc >= 0.62
    assert private.attacks().auc <= 0.53


PRIVATE_SMALL = PrivateRecipe(epsilon=8, steps=300, batch_size=500)
