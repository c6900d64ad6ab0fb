"""Attacks on a deployed model: changed images, and copies through its answers."""

import numpy as np
import pytest

from deployworkbook.formulas.activations import softmax
from deployworkbook.privacy.adversaries import attack_forms, attack_images, measure_transfer
from deployworkbook.privacy.forms import make_forms
from deployworkbook.privacy.learning import NetworkRecipe
from deployworkbook.privacy.networks import accuracy_of, logits_of
from deployworkbook.privacy.ordinary import train_network
from deployworkbook.privacy.theft import Defence, defence_cost, extract_model

QUICK = {"hidden_units": 24, "steps": 200}


@pytest.fixture(scope="module")
def predict(network):
    """What a client sees of the network: its answers."""
    return lambda images: softmax(logits_of(network.weights, images))


def test_forms_keep_most_of_the_accuracy(forms, digits):
    accuracies = {name: accuracy_of(form, digits.test).value for name, form in forms.items()}
    assert min(accuracies.values()) > 0.8
    assert abs(accuracies["int8"] - accuracies["float32"]) < 0.02
    assert np.mean(forms["pruned"][0] == 0) > 0.75
    columns = [len(np.unique(column)) for column in forms["int4"][0].T]
    assert max(columns) <= 15
    assert forms["distilled"][0].shape == (784, 12)


def test_larger_changes_deceive_more(forms, digits):
    found = attack_forms(forms, digits.test.take(60), radii=(0.0, 0.05, 0.2), shown=3)
    for name, accuracies in found.accuracies.items():
        clean, slight, strong = (each.value for each in accuracies)
        assert clean > slight > strong, name
        assert found.pictures[name].shape == (3, 28, 28)


def test_one_step_deceives_less_than_many(forms, digits):
    split = digits.test.take(120)
    by_step = attack_images(forms["float32"], split, radius=0.08, attack="fgsm")
    by_steps = attack_images(forms["float32"], split, radius=0.08, attack="pgd")
    one, many = (accuracy_of(forms["float32"], each).value for each in (by_step, by_steps))
    assert many <= one < accuracy_of(forms["float32"], split).value


def test_images_transfer_between_forms_and_to_functions(forms, predict, digits):
    split = digits.test.take(80)
    own = measure_transfer(forms, split)
    assert own.rates.shape == (5, 5)
    assert (np.diag(own.rates) > 0.4).all()
    # An int8 form is so close that what deceives the one deceives the other.
    assert own.rates[0, 1] == pytest.approx(own.rates[0, 0], abs=0.05)
    served = measure_transfer({"float32": forms["float32"]}, split, targets={"served": predict})
    assert served.rates[0, 0] == own.rates[0, 0]


def test_training_on_changed_images_makes_them_harmless(network, digits, kept_models):
    recipe = NetworkRecipe(hidden_units=24, epochs=10, learning_rate=0.1, adversarial_radius=0.06)
    robust = train_network(digits, recipe, folder=kept_models)

    def deceived(weights):
        return accuracy_of(weights, attack_images(weights, digits.test, radius=0.06)).value

    assert deceived(robust.weights) > deceived(network.weights) + 0.2


def test_more_answers_make_better_copies(predict, digits):
    stolen = extract_model(
        predict, digits.validation.images, digits.test, counts=(10, 140), **QUICK
    )
    few, many = (each.value for each in stolen.agreements)
    assert few < many
    assert many > 0.85
    assert stolen.hours == (0.0, 0.0)


def test_terse_answers_make_worse_copies(predict, digits):
    def agreement(defence):
        copy = extract_model(
            predict,
            digits.validation.images,
            digits.test,
            counts=(60,),
            defence=defence,
            **QUICK,
        )
        return copy.agreements[0].value, copy.hours[0]

    whole, _ = agreement(Defence())
    label, hours = agreement(Defence(label_only=True, limit_per_minute=2))
    assert label < whole
    assert hours == 0.5


def test_a_defence_has_a_price(predict, digits):
    free = defence_cost(predict, digits.test, Defence())
    rough = defence_cost(predict, digits.test, Defence(digits=0))
    label = defence_cost(predict, digits.test, Defence(label_only=True))
    assert free.changed.count == 0
    assert free.lost_confidence == 0
    assert label.accuracy == free.accuracy
    assert rough.changed.count >= label.changed.count == 0
    assert label.lost_confidence > 0
    assert [str(each.defence) for each in (free, rough, label)] == [
        "none",
        "0 digits",
        "label only",
    ]


def test_what_makes_no_sense_is_refused(forms, predict, digits):
    with pytest.raises(ValueError, match="rising numbers"):
        extract_model(predict, digits.validation.images, digits.test, counts=(60, 20))
    with pytest.raises(ValueError, match="forms: expected at least one network"):
        attack_forms({}, digits.test)
    with pytest.raises(ValueError, match="'pgd'"):
        attack_images(forms["float32"], digits.test, radius=0.1, attack="pdg")
    with pytest.raises(ValueError, match="digits"):
        Defence(digits=-1)


@pytest.mark.report
@pytest.mark.mnist
def test_attacks_on_mnist(mnist, mnist_workspace):
    plain = train_network(mnist, folder=mnist_workspace.models)
    recipe = NetworkRecipe(adversarial_radius=0.1)
    robust = train_network(mnist, recipe, folder=mnist_workspace.models)
    train, some = mnist.train.take(20_000), mnist.test.take(500)
    forms = make_forms(plain.weights, train.images, train.labels) | {"robust": robust.weights}
    print()
    for each in (plain, robust):
        print(each.accuracy, f"{each.cpu_seconds:.1f} CPU s")
    print({name: str(accuracy_of(form, mnist.test)) for name, form in forms.items()})
    for attack in ("fgsm", "pgd"):
        found = attack_forms(forms, some, attack=attack)
        print(attack, found.radii)
        for name, accuracies in found.accuracies.items():
            print("  ", name, [each.value for each in accuracies])
    print(measure_transfer(forms, some, radius=0.1).rates.round(2))
    for defence in (Defence(), Defence(digits=2), Defence(digits=1), Defence(label_only=True)):
        copy = extract_model(plain.weights, mnist.validation.images, mnist.test, defence=defence)
        print(defence, [str(each) for each in copy.agreements])
        print("  ", defence_cost(plain.weights, mnist.test, defence))


def test_answers_of_an_int8_model_need_not_sum_to_one():
    """They are 256ths, rounded one by one."""
    said = np.array([[0.9921875, 0.0, 0.0], [0.5, 0.33203125, 0.17578125]])
    assert Defence().answer(said).tolist() == said.tolist()
    assert Defence(digits=1).answer(said).tolist() == [[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]]
    assert Defence(label_only=True).answer(said).tolist() == [[1, 0, 0], [1, 0, 0]]
