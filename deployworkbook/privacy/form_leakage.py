"""What compression does to leakage: attacks on smaller forms of the same networks, in pairs."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.membership import logit_margins
from deployworkbook.privacy.attack_results import AttackSummary, MembershipAttack
from deployworkbook.privacy.forms import FormSettings, make_forms
from deployworkbook.privacy.kept import arrays_once
from deployworkbook.privacy.learning import in_turns
from deployworkbook.privacy.membership_attack import METHODS, LeakageStudy, Method
from deployworkbook.privacy.networks import accuracy_of, logits_of
from deployworkbook.training.data import Dataset
from deployworkbook.validation import check_choice, check_integer
from deployworkbook.workspace.notices import Notice, notify

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FormLeakage:
    """Attacks on one form of several networks.

    Args:
        form: Its name, as in ``make_forms``.
        threshold: The attacks by a threshold.
        lira: Those by shadow models, which are float32 networks: the attacker doesn't know how the
            target was made smaller.
        accuracies: On the test set, one per network.
        differences: For each method, each network's area less that of its float32 form.
    """

    form: str
    threshold: AttackSummary
    lira: AttackSummary
    accuracies: Array
    differences: dict[str, Array]

    def change(self, method: Method = "lira") -> tuple[float, tuple[float, float]]:
        """Return how the form changes the area: the mean, and its 95 % interval over networks.

        Args:
            method: ``"threshold"`` or ``"lira"``.

        Raises:
            ValueError: There is no such method.
        """
        change = self.differences[check_choice("method", method, METHODS)]
        if self.form == "float32":
            return 0.0, (0.0, 0.0)
        return float(change.mean()), mean_interval(change)


def leakage_of_forms(
    study: LeakageStudy,
    data: Dataset,
    *,
    targets: int = 6,
    settings: FormSettings | None = None,
    folder: Path | None = None,
    notice: Notice = notify,
) -> dict[str, FormLeakage]:
    """Attack smaller forms of some of a study's networks, in pairs with the networks themselves.

    Args:
        study: The networks; each target's shadow models are all others.
        data: The data that the study was made from, for its test set.
        targets: Number of networks whose forms are attacked, at least 2.
        settings: How small the forms become.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Returns:
        One per form, by its name.
    """
    count = check_integer("targets", targets, 2, len(study.networks))
    chosen = settings or FormSettings()

    def measured(target: int) -> dict[str, tuple[Array, int]]:
        own = study.examples(target)
        forms = make_forms(
            study.networks[target], own.images, own.labels, settings=chosen, seed=target
        )
        pool = study.pool
        return {
            name: (
                logit_margins(logits_of(form, pool.images), pool.labels),
                accuracy_of(form, data.test).count,
            )
            for name, form in forms.items()
        }

    def make() -> tuple[dict[str, Array], dict[str, object]]:
        rows = in_turns(measured, range(count))
        arrays = {name: np.stack([row[name][0] for row in rows]) for name in rows[0]}
        return arrays, {name: [row[name][1] for row in rows] for name in rows[0]}

    arrays, record = arrays_once(
        f"forms-{data.name}",
        {
            "study": asdict(study.recipe),
            "data": data.fingerprint,
            "settings": asdict(chosen),
            "targets": count,
        },
        make,
        code=sys.modules[__name__],
        folder=folder,
        notice=notice,
    )

    def attacks(name: str, method: Method) -> tuple[MembershipAttack, ...]:
        rows = enumerate(arrays[name])
        return tuple(study.attack(method, target=place, margins=row) for place, row in rows)

    found = {}
    plain = {method: AttackSummary(attacks("float32", method)) for method in METHODS}
    for name, correct in record.items():
        by_method = {method: AttackSummary(attacks(name, method)) for method in METHODS}
        found[name] = FormLeakage(
            form=name,
            threshold=by_method["threshold"],
            lira=by_method["lira"],
            accuracies=np.array(correct) / len(data.test),
            differences={
                method: by_method[method].areas - plain[method].areas for method in METHODS
            },
        )
    return found
