"""Small networks on the digits that come with scikit-learn, made once per session."""

import pytest

from deployworkbook.privacy.forms import FormSettings, make_forms
from deployworkbook.privacy.learning import NetworkRecipe
from deployworkbook.privacy.ordinary import train_network

NARROW = NetworkRecipe(hidden_units=24, epochs=10, learning_rate=0.1)


@pytest.fixture(scope="session")
def kept_models(tmp_path_factory):
    return tmp_path_factory.mktemp("privacy-models")


@pytest.fixture(scope="session")
def network(digits, kept_models):
    """An ordinary network."""
    return train_network(digits, NARROW, folder=kept_models)


@pytest.fixture(scope="session")
def forms(network, digits):
    settings = FormSettings(sparsity=0.8, pruned_epochs=3, student_units=12, student_epochs=10)
    train = digits.train
    return make_forms(network.weights, train.images, train.labels, settings=settings)
