"""Which machine for which model size."""

import math

import numpy as np
import pytest

from deployworkbook.costs.advice.model_size import call_time_s, usd_per_million
from deployworkbook.costs.prices.catalog_file import load_catalog

CATALOG = load_catalog()
# Two operations per weight of the article's network: 784 × 128 + 128 × 10.
ARTICLE = 2 * (784 * 128 + 128 * 10)


def test_call_time_by_hand():
    # 0.05 ms + 32 × 10⁹ / 20,000 · 10⁹ = 0.05 + 1.6 ms
    found = call_time_s(CATALOG.processors["t4"], 1e9, batch_size=32)
    assert float(found) == pytest.approx(1.65e-3)


def test_a_million_predictions_by_hand():
    machine = CATALOG.machine("c7g.large")  # two cores, 0.0725 USD an hour
    seconds = 5e-6 + 1e9 / 60e9
    expected = 0.0725 / 3600 / (2 * 0.5) * seconds * 1e6
    found = usd_per_million(machine, 1e9, utilisation_share=0.5)
    assert float(found) == pytest.approx(expected)


def cheapest(kind, operations, **more):
    machines = [each for each in CATALOG.cloud() if each.kind == kind]
    return min(float(usd_per_million(each, operations, **more)) for each in machines)


def test_small_models_are_cheapest_on_cpus_and_large_ones_on_devices():
    for size, wins in ((ARTICLE, "cpu"), (2e10, "gpu"), (2e12, "gpu")):
        assert (cheapest("cpu", size) < cheapest("gpu", size)) == (wins == "cpu")


def test_batching_makes_a_device_pay_off():
    assert cheapest("gpu", 2e7) > cheapest("cpu", 2e7)
    assert cheapest("gpu", 2e7, batch_size=256) < cheapest("cpu", 2e7, batch_size=256)


def test_gpus_become_cheaper_at_a_single_size():
    sizes = np.geomspace(1e4, 1e13, 400)
    gpu, cpu = (
        np.min([usd_per_million(m, sizes) for m in CATALOG.cloud() if m.kind == kind], axis=0)
        for kind in ("gpu", "cpu")
    )
    changes = np.flatnonzero(np.diff((gpu < cpu).astype(int)))
    assert len(changes) == 1


def test_costs_never_fall_with_the_size():
    for machine in CATALOG.cloud():
        costs = usd_per_million(machine, np.geomspace(1, 1e13, 50))
        assert (np.diff(costs) >= 0).all()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: call_time_s(CATALOG.processors["t4"], -1.0), "operations"),
        (lambda: call_time_s(CATALOG.processors["t4"], math.nan), "operations"),
        (lambda: call_time_s(CATALOG.processors["t4"], 1.0, batch_size=0), "batch_size"),
        (
            lambda: usd_per_million(CATALOG.machine("c7g.large"), 1.0, utilisation_share=0),
            "utilisation_share",
        ),
        (lambda: usd_per_million(CATALOG.machine("raspberry-pi-5-4gb"), 1.0), "machine"),
    ],
)
def test_invalid_arguments_are_refused_by_name(call, name):
    with pytest.raises(ValueError, match=name):
        call()
