"""Advice: against brute force, the losers' reasons, the frontier."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.costs.advice.advise import SERVED_RUNTIMES, advise
from deployworkbook.costs.estimation.deployment import KINDS, Deployment
from deployworkbook.costs.estimation.inputs import gather
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.prices.catalog_file import load_catalog

CATALOG = load_catalog()
SOME = ("c6g.medium", "c7i.large", "c8g.xlarge", "g4dn.xlarge", "tpu-v6e-1")
PROFILES = st.lists(
    st.builds(
        Profile,
        st.sampled_from(["float32", "int8", "int4"]),
        st.sampled_from(["litert", "onnx"]),
        st.floats(0.001, 80),
        st.floats(0, 2),
        st.floats(0.8, 1),
        st.floats(1e4, 1e7),
        st.floats(1e4, 1e7),
        st.floats(1e7, 6e9),
    ),
    min_size=1,
    max_size=4,
)


def by_brute_force(workload, profiles, machines, accuracy_share, memory_bytes, like):
    """Return the cost of each combination that meets the objectives, by row and column."""
    costs = {}
    for row, profile in enumerate(profiles):
        for column, machine in enumerate(machines):
            if profile.accuracy_share < accuracy_share or profile.memory_bytes > memory_bytes:
                continue
            deployment = replace(like, profile=profile, machine=machine)
            month = month_of(gather(workload, deployment, CATALOG))
            if month.able:
                costs[row, column] = float(month.cost_usd)
    return costs


@settings(max_examples=60)
@given(
    PROFILES,
    st.floats(0, 5000),
    st.floats(0.8, 1),
    st.floats(1e8, 6e9),
    st.floats(1, 300),
    st.booleans(),
)
def test_best_choice_equals_brute_force(
    profiles, rate, accuracy_share, memory_bytes, latency_ms, autoscaling
):
    workload = Workload(rate, daily_shape=OFFICE_DAY, latency_objective_ms=latency_ms)
    like = Deployment(profiles[0], autoscaling=autoscaling, regions=2)
    advice = advise(
        workload,
        profiles,
        accuracy_share=accuracy_share,
        memory_bytes=memory_bytes,
        machines=SOME,
        like=like,
    )
    costs = by_brute_force(workload, profiles, SOME, accuracy_share, memory_bytes, like)
    assert set(zip(*map(np.ndarray.tolist, np.nonzero(advice.feasible)), strict=True)) == set(costs)
    for place, cost in costs.items():
        assert advice.costs_usd_per_month[place] == pytest.approx(cost, rel=1e-12)
    if not costs:
        assert advice.best is None
        return
    # The cheapest to the cent; then the smallest, then the cheapest by fractions of a cent.
    least = min(round(cost, 2) for cost in costs.values())
    equal = [place for place, cost in costs.items() if round(cost, 2) == least]
    assert round(advice.best.cost_usd_per_month, 2) == least
    smallest = min(profiles[row].model_bytes for row, _ in equal)
    assert advice.best.profile.model_bytes == smallest
    assert len(advice.ties) == len(equal) - 1
    # The estimate of the advice's deployment agrees.
    found = estimate(workload, advice.deployment(advice.best))
    assert float(found.total_usd_per_month) == pytest.approx(least, abs=0.1)


@settings(max_examples=60)
@given(PROFILES, st.floats(0, 5000))
def test_frontier_equals_brute_force(profiles, rate):
    advice = advise(Workload(rate), profiles, machines=SOME)
    least = np.where(advice.feasible, advice.costs_usd_per_month, np.inf).min(axis=1).round(2)
    accuracy = [profile.accuracy_share for profile in profiles]
    on = {
        row
        for row in range(len(profiles))
        if math.isfinite(least[row])
        and not any(
            least[other] <= least[row]
            and accuracy[other] >= accuracy[row]
            and (least[other], accuracy[other]) != (least[row], accuracy[row])
            for other in range(len(profiles))
        )
    }
    assert set(np.nonzero(advice.frontier)[0].tolist()) == on
    front = [
        (round(each.cost_usd_per_month, 2), each.profile.accuracy_share)
        for each in advice.on_frontier()
    ]
    assert front == sorted(front)


def test_every_loser_has_a_reason(int8, float32):
    profiles = [
        int8,
        replace(int8, variant="rough", accuracy_share=0.9),
        replace(int8, variant="large", memory_bytes=3e9),
        replace(int8, variant="slow", service_ms=99.0),
        replace(int8, variant="all", accuracy_share=0.9, memory_bytes=3e9),
    ]
    advice = advise(
        Workload(100.0), profiles, accuracy_share=0.95, machines=("c7g.medium", "c7g.4xlarge")
    )
    by_name = {
        (each.profile.variant, each.machine.name): (each.lost_by, each.reason)
        for each in advice.choices()
    }
    assert by_name["int8", "c7g.medium"][0] == ("cheapest",)
    lost, reason = by_name["int8", "c7g.4xlarge"]
    assert lost == ("price",)
    assert "USD per month more" in reason
    lost, reason = by_name["rough", "c7g.medium"]
    assert (lost, reason) == (("accuracy",), "90.00% accurate, 95.00% asked")
    lost, reason = by_name["large", "c7g.medium"]
    assert lost == ("memory",)
    assert "3,000 MB per process, 1,718 MB available" in reason  # 80 % of 2 GiB
    assert by_name["large", "c7g.4xlarge"][0] == ("price",)
    lost, reason = by_name["slow", "c7g.medium"]
    assert lost == ("latency",)
    assert "p99 of 100 ms" in reason
    assert by_name["all", "c7g.medium"][0] == ("accuracy", "memory")


def test_a_memory_objective_applies_to_every_machine(int8):
    advice = advise(Workload(1.0), [int8], memory_bytes=100e6, machines=SOME)
    assert advice.best is None
    assert {each.lost_by for each in advice.choices()} == {("memory",)}
    assert advice.on_frontier() == []


def test_too_few_replicas_are_too_slow(int8):
    slow = replace(int8, service_ms=20.0)
    like = Deployment(slow, replicas=1)
    advice = advise(Workload(300.0), [slow], machines=("c7g.medium", "c7g.4xlarge"), like=like)
    lost = {each.machine.name: each.lost_by for each in advice.choices()}
    assert lost["c7g.medium"] == ("latency",)
    assert lost["c7g.4xlarge"] == ("cheapest",)


def test_all_cloud_machines_compete_and_edge_boards_if_there_are_devices(int8):
    cloud = advise(Workload(10.0), [int8])
    assert len(cloud.machines) == len(CATALOG.cloud()) >= 30
    both = advise(Workload(10.0), [int8], devices=10)
    assert len(both.machines) == len(CATALOG.machines)
    boards = [each for each in both.choices() if each.machine.kind == "edge"]
    assert all(both.deployment(each).devices == 10 for each in boards)
    for each in boards:
        found = estimate(Workload(10.0), both.deployment(each))
        assert each.cost_usd_per_month == pytest.approx(float(found.total_usd_per_month), abs=0.1)


@pytest.mark.parametrize("serving", ["managed", "serverless"])
def test_only_machines_that_an_estimate_takes_are_advised(int8, serving):
    like = Deployment(int8, serving=serving)
    advice = advise(Workload(10.0), [int8], like=like)
    assert {machine.kind for machine in advice.machines} == set(KINDS[serving])
    for choice in advice.choices():
        if choice.lost_by[0] in {"cheapest", "price", "tie"}:
            total = estimate(Workload(10.0), advice.deployment(choice)).total_usd_per_month
            assert float(total) == pytest.approx(choice.cost_usd_per_month, abs=0.1)
    with pytest.raises(ValueError, match="tpu-v6e-1"):
        advise(Workload(10.0), [int8], machines=SOME[-1:], like=like)


def test_of_equal_costs_the_smaller_wins_whatever_its_test_accuracy(int8):
    larger = replace(int8, variant="larger", accuracy_share=0.99, model_bytes=2e5)
    for profiles in ([int8, larger], [larger, int8]):
        advice = advise(Workload(10.0), profiles, machines=SOME)
        assert advice.best.profile.variant == "int8"
        assert advice.choices()[0].lost_by == ("cheapest",)
        (tie,) = advice.ties
        assert tie.profile.variant == "larger"
        assert "its file is larger" in tie.reason


def test_what_no_server_takes_is_not_the_best_but_named(int8):
    saved = replace(int8, variant="saved", runtime="savedmodel", service_ms=3.0)
    bare = replace(int8, runtime="numpy")
    advice = advise(Workload(2000.0), [bare, saved], servable=SERVED_RUNTIMES)
    assert advice.best.profile == saved
    assert advice.missed.profile == bare
    assert advice.missed.lost_by == ("server",)
    assert "no server for numpy" in advice.missed.reason
    assert all(each.profile == saved for each in advice.on_frontier())
    assert advise(Workload(2000.0), [bare, saved]).missed is None
    boards = advise(
        Workload(10.0), [bare], machines=["raspberry-pi-5-4gb"], devices=10,
        servable=SERVED_RUNTIMES,
    )  # fmt: skip
    assert boards.best.profile == bare


@pytest.mark.parametrize("runtime", ["savedmodel", "litert", "onnx"])
def test_what_a_server_takes_can_be_the_best(int8, runtime):
    form = replace(int8, runtime=runtime)
    assert advise(Workload(10.0), [form], servable=SERVED_RUNTIMES).best.profile == form


def test_the_best_equals_brute_force_on_100_random_catalogues():
    """Prices and speeds drawn anew, each combination billed by itself."""
    names = ("c7g.medium", "c7i.large", "c8g.xlarge")
    for seed in range(100):
        generator = np.random.default_rng(seed)
        machines = {
            name: replace(
                CATALOG.machine(name),
                price_usd_per_hour=float(10 ** generator.uniform(-2, 0)),
                processor=replace(
                    CATALOG.machine(name).processor, speed_ratio=float(generator.uniform(0.3, 3))
                ),
            )
            for name in names
        }
        catalog = replace(CATALOG, machines={**CATALOG.machines, **machines})
        profiles = [
            Profile(
                f"variant {n}", "savedmodel", float(10 ** generator.uniform(-2, 1.3)),
                float(generator.uniform(0, 2)), float(generator.uniform(0.9, 1)),
                float(generator.integers(10**4, 10**6)), 1e4,
                float(10 ** generator.uniform(8, 9.5)),
            )
            for n in range(3)
        ]  # fmt: skip
        work = Workload(float(10 ** generator.uniform(0, 4)), latency_objective_ms=60.0)
        queue = ("shared", "per replica")[seed % 2]
        like = Deployment(profiles[0], queue=queue)
        advice = advise(work, profiles, catalog, accuracy_share=0.92, machines=names, like=like)
        costs = {}
        for profile in profiles:
            for name in names:
                if profile.accuracy_share < 0.92:
                    continue
                month = month_of(
                    gather(work, replace(like, profile=profile, machine=name), catalog)
                )
                if month.able:
                    costs[profile.variant, name] = float(month.cost_usd)
        if not costs:
            assert advice.best is None
            continue
        least = min(round(cost, 2) for cost in costs.values())
        best = advice.best
        assert round(costs[best.profile.variant, best.machine.name], 2) == least, seed


def test_cheapest_of_returns_another_variants_cost(int8, float32):
    advice = advise(Workload(2000.0), [int8, float32], accuracy_share=0.97)
    plain = advice.cheapest_of(variant="float32")
    assert plain.profile.runtime == "keras"
    assert plain.cost_usd_per_month > advice.best.cost_usd_per_month
    assert advice.cheapest_of(variant="none") is None
    assert advice.cheapest_of(runtime="litert").profile.variant == "int8"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"profiles": []}, "profiles"),
        ({"machines": []}, "machines"),
        ({"machines": ["none"]}, "machine"),
        ({"accuracy_share": 97}, "accuracy_share"),
        ({"memory_bytes": 0}, "memory_bytes"),
        ({"memory_bytes": float("nan")}, "memory_bytes"),
        ({"machines": ["raspberry-pi-5-4gb"]}, "devices"),
        ({"devices": -1}, "devices"),
    ],
)
def test_invalid_arguments_are_refused_by_name(int8, arguments, name):
    given = {"profiles": [int8], **arguments}
    with pytest.raises(ValueError, match=name):
        advise(Workload(1.0), given.pop("profiles"), **given)


def test_differences_below_a_cent_do_not_count(int8):
    lighter = replace(int8, variant="lighter", model_bytes=50_000.0, service_ms=0.005)
    advice = advise(Workload(10.0), [lighter, int8], machines=("c6g.medium",))
    assert 0 < advice.costs_usd_per_month[1, 0] - advice.costs_usd_per_month[0, 0] < 0.005
    first, second = advice.choices()
    assert first.profile.variant == "lighter"
    assert second.lost_by == ("tie",)
    assert "the same to the cent" in second.reason


def test_an_impossible_variant_does_not_stop_the_others(int8, float32):
    # 5e8 requests per second at 38.7 ms are work for 19 million reference cores.
    advice = advise(Workload(5e8), [float32, int8])
    assert advice.best.profile == int8
    (slow,) = [
        each
        for each in advice.choices()
        if each.profile == float32 and each.machine.name == "c7g.medium"
    ]
    assert slow.lost_by == ("latency",)
    assert slow.cost_usd_per_month == np.inf
