"""A model at release: what it says of images that it wasn't trained on."""

from dataclasses import dataclass

import numpy as np
import pytest

from deployworkbook.monitoring.profile import Profile, make_profile
from deployworkbook.training.fit import baseline


@dataclass(frozen=True)
class Release:
    """The weights of the article's model, in NumPy, and a profile on validation images."""

    weights: list
    profile: Profile
    images: np.ndarray
    labels: np.ndarray

    def hidden(self, images):
        flat = images.reshape(len(images), -1)
        return np.maximum(flat @ self.weights[0] + self.weights[1], 0)

    def probabilities(self, images):
        logits = self.hidden(images) @ self.weights[2] + self.weights[3]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def released(dataset, folder):
    weights = [np.asarray(w) for w in baseline(dataset, folder=folder).model.get_weights()]
    bare = Release(weights, None, None, None)
    images = dataset.validation.images
    profile = make_profile(
        images, bare.probabilities(images), model_sha256="ab" * 32, embeddings=bare.hidden(images)
    )
    # The order of MNIST's test images is a drift of its own.
    order = np.random.default_rng(0).permutation(len(dataset.test))
    return Release(weights, profile, dataset.test.images[order], dataset.test.labels[order])


@pytest.fixture
def mnist_release(mnist, mnist_workspace):
    return released(mnist, mnist_workspace.models)


@pytest.fixture(scope="session")
def synthetic():
    """Draw inputs and answers of a model that is sure of most images."""

    def draw(count, seed, *, doubt=0.3):
        generator = np.random.default_rng(seed)
        images = generator.normal(0.5, 0.1, (count, 6))
        answers = generator.dirichlet(np.full(10, 0.1), count)
        mixed = generator.random((count, 1)) * doubt
        return images, (1 - mixed) * answers + mixed / 10

    return draw
