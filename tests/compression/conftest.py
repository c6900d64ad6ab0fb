"""A trained model and what it learns on from, made once for all tests of compression."""

import pytest

from deployworkbook.compression.retrain import Examples, Settings
from deployworkbook.training.fit import Recipe, train


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
