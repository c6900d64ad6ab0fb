"""Membership inference on networks of the workbook: by a threshold, and by shadow models (LiRA).

All networks of a study learn from random halves of one pool of images, so each of them can be the
target while the others are its shadow models. That gives an interval over targets, without which
small differences between models would be noise.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.membership import (
    likelihood_ratios,
    logit_margins,
)
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.attack_results import AttackSummary, MembershipAttack
from deployworkbook.privacy.kept import arrays_once, named, network_of
from deployworkbook.privacy.learning import NetworkRecipe, in_turns, learn
from deployworkbook.privacy.networks import Floats, Weights, accuracy_of, logits_of
from deployworkbook.privacy.private_training import PrivateRecipe, learn_privately
from deployworkbook.training.data import Dataset, Split
from deployworkbook.training.mnist import CLASSES
from deployworkbook.validation import check_choice, check_integer, value_error
from deployworkbook.workspace.notices import Notice, notify

Array = NDArray[np.float64]
Method = Literal["threshold", "lira"]
METHODS: tuple[Method, ...] = ("threshold", "lira")

# So often that a network learns a few thousand images by heart.
BY_HEART = NetworkRecipe(epochs=50, batch_size=128, learning_rate=0.002, rule="adam")


@dataclass(frozen=True)
class LeakageRecipe:
    """How the networks of a study of leakage are trained.

    Args:
        images: Number of images per network, at least 1; at most half of the training set.
        network: How each is trained. The default goes over its images 50 times, and learns
            them by heart.
        private: If given, they are trained by DP-SGD like this instead.
        shadows: Number of shadow models, at least 3.
        seed: Seed of who learns from what, and of all trainings.

    Raises:
        ValueError: A number is out of range.
    """

    images: int = 5000
    network: NetworkRecipe = BY_HEART
    private: PrivateRecipe | None = None
    shadows: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("images", self.images, 1)
        check_integer("shadows", self.shadows, 3)
        check_integer("seed", self.seed, 0)


@dataclass(frozen=True, eq=False)
class LeakageStudy:
    """Networks that learned from random halves of a pool of images, and attacks on each of them.

    Args:
        recipe: How they were trained.
        pool: All images that any of them may have seen.
        members: Whether each network learned from each image, shape ``[networks, n]``.
        networks: Their weights.
        margins: Their logit margins of each image's class, shape ``[networks, n]``.
        accuracies: On the test set.
    """

    recipe: LeakageRecipe
    pool: Split
    members: NDArray[np.bool_]
    networks: tuple[Weights, ...]
    margins: Array
    accuracies: tuple[Share, ...]

    def attack(
        self, method: Method = "lira", *, target: int = 0, margins: Array | None = None
    ) -> MembershipAttack:
        """Attack one of the networks; all others are its shadow models.

        Args:
            method: ``"threshold"`` or ``"lira"``.
            target: Which one, from 0.
            margins: Logit margins of the model to attack instead, which must have learned from
                the same images: a smaller form of it.

        Raises:
            ValueError: There is no such method or network.
        """
        check_choice("method", method, METHODS)
        place = check_integer("target", target, 0, len(self.networks) - 1)
        scores = self.margins[place] if margins is None else margins
        inside = self.members[place]
        if method == "lira":
            others = np.arange(len(self.networks)) != place
            scores = likelihood_ratios(scores, self.margins[others], self.members[others])
        return MembershipAttack(scores[inside], scores[~inside])

    def attacks(self, method: Method = "lira") -> AttackSummary:
        """Attack each of the networks in turn.

        Args:
            method: ``"threshold"`` or ``"lira"``.
        """
        places = range(len(self.networks))
        return AttackSummary(tuple(self.attack(method, target=place) for place in places))

    def examples(self, target: int) -> Split:
        """Return the images that a network learned from.

        Args:
            target: Which one, from 0.
        """
        rows = self.members[target]
        return Split(self.pool.images[rows], self.pool.labels[rows])


def threshold_attack(network: Sequence[Floats], members: Split, others: Split) -> MembershipAttack:
    """Attack a network by a threshold on its logit margins: the surer, the likelier a member.

    Args:
        network: Weights as from Keras's ``get_weights``.
        members: Images that it learned from.
        others: Images of the same kind that it never saw.

        attack = threshold_attack(model.get_weights(), data.train, data.validation)
        print(attack.auc, attack.interval)
    """

    def scores(split: Split) -> Array:
        return logit_margins(logits_of(network, split.images), split.labels)

    return MembershipAttack(scores(members), scores(others))


def study_leakage(
    data: Dataset,
    recipe: LeakageRecipe | None = None,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
) -> LeakageStudy:
    """Train a target and its shadow models, or read them from the cache.

    Args:
        data: Its training set is the pool from which all networks get their images.
        recipe: How many, and how they are trained; by default 17 networks that learn 5,000 images
            by heart, in about a minute.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Raises:
        ValueError: There are too few training images.
    """
    chosen = recipe or LeakageRecipe()
    size = 2 * chosen.images
    if size > len(data.train):
        raise value_error(
            "recipe.images",
            received=f"{chosen.images:,}",
            expected=f"at most {len(data.train) // 2:,}, half of the training images",
        )
    count = chosen.shadows + 1
    generator = np.random.default_rng(chosen.seed)
    rows = np.sort(generator.choice(len(data.train), size, replace=False))
    pool = Split(data.train.images[rows], data.train.labels[rows])
    # Each image is in half of the networks, so that each has shadow models with and without it.
    halves = (np.arange(count)[:, None] + np.arange(size)) % 2 == 0
    members = generator.permuted(halves, axis=0)

    def train(place: int) -> Weights:
        return _trained(pool, members[place], chosen, place)

    def make() -> tuple[dict[str, NDArray[np.float32]], dict[str, object]]:
        networks = in_turns(train, range(count))
        arrays: dict[str, NDArray[np.float32]] = {}
        for place, network in enumerate(networks):
            arrays |= named(f"network-{place}", network)
        return arrays, {"correct": [accuracy_of(each, data.test).count for each in networks]}

    arrays, record = arrays_once(
        f"shadows-{data.name}",
        {"recipe": asdict(chosen), "data": data.fingerprint},
        make,
        code=sys.modules[__name__],
        folder=folder,
        notice=notice,
    )
    networks = tuple(network_of(arrays, f"network-{place}") for place in range(count))
    margins = np.stack(
        [logit_margins(logits_of(each, pool.images), pool.labels) for each in networks]
    )
    accuracies = tuple(Share(correct, len(data.test)) for correct in record["correct"])
    return LeakageStudy(chosen, pool, members, networks, margins, accuracies)


def _trained(pool: Split, inside: NDArray[np.bool_], recipe: LeakageRecipe, place: int) -> Weights:
    """Train one network, from a seed of its own."""
    split = Split(pool.images[inside], pool.labels[inside])
    seed = 1000 * recipe.seed + place
    if recipe.private is not None:
        return learn_privately(split, replace(recipe.private, seed=seed))[-1][1]
    ordinary = replace(recipe.network, seed=seed)
    return learn(split.images, one_hot(split.labels, CLASSES), ordinary)
