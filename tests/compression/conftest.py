"""A trained model and what it learns on from, made once for all tests of compression."""

import pytest

from deployworkbook.compression.retrain import Examples, Settings
from deployworkbook.training.data import load_dataset
from deployworkbook.training.fit import Recipe, train
from deployworkbook.training.mnist import ENVIRONMENT_VARIABLE


@pytest.fixture(scope="session")
def model(digits):
    trained, _ = train(digits, Recipe())
    return trained


@pytest.fixture(scope="session")
def examples(digits):
    return Examples(digits.train.images, digits.train.labels)


@pytest.fixture(scope="session")
def short():
    """Two epochs on the digits: 22 steps."""
    return Settings(epochs=2)


@pytest.fixture(scope="session")
def mnist_models(mnist_path):
    """The baseline of three seeds, on the real MNIST: half a minute, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_VARIABLE, str(mnist_path))
        data = load_dataset("mnist")
    return [train(data, Recipe(seed=seed))[0] for seed in range(3)]
