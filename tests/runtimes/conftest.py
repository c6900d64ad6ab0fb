"""A trained model and its export, made once for all tests of the runtimes."""

import pytest

from deployworkbook.runtimes.savedmodel import SavedModelRuntime
from deployworkbook.training.fit import Recipe, train
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="session")
def variant(digits):
    model, _ = train(digits, Recipe(epochs=1))
    return Variant("float32", model)


@pytest.fixture(scope="session")
def runtime():
    return SavedModelRuntime()


@pytest.fixture(scope="session")
def artifact(runtime, variant, tmp_path_factory):
    return runtime.export(variant, tmp_path_factory.mktemp("artifacts"))
