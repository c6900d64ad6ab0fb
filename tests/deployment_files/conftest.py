"""Published models, and the files that deploy them."""

import pytest

from deployworkbook.deployment_files.bundle import Bundle, find_models
from deployworkbook.deployment_files.texts import texts
from deployworkbook.serving.repository.model_repository import ModelRepository
from tests.serving import models


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory):
    """y = x / 2 + 2."""
    return models.half_plus_two(tmp_path_factory.mktemp("half") / "model")


@pytest.fixture(scope="session")
def published(saved_model, tmp_path_factory):
    """Two models: one of two versions, the older labelled; one of two, the older forgotten."""
    folder = tmp_path_factory.mktemp("published")
    digits = ModelRepository(folder / "digits")
    digits.publish(saved_model, variant='float32, "$HOME"', label="stable")
    digits.publish(saved_model, variant="int8")
    other = ModelRepository(folder / "other")
    other.publish(saved_model)
    other.publish(saved_model)
    (folder / "no-model").mkdir()
    return folder


@pytest.fixture(scope="session")
def bundle(published):
    return Bundle(find_models(published), "registry.example:5000/models", cpus=1, memory_mib=600)


@pytest.fixture(scope="session")
def files(bundle):
    return texts(bundle)
