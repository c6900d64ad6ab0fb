"""The cheapest deployment that meets all objectives, of every profile on every machine.

The search is exhaustive: all combinations are computed, as one array. Nothing is pruned or
guessed, so the first is the cheapest there is, and every other one has a reason why it lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deployworkbook.costs.advice.result import Advice, Array, Flags, deployment_of
from deployworkbook.costs.estimation.deployment import KINDS, Deployment, check_serving
from deployworkbook.costs.estimation.inputs import (
    Inputs,
    gather,
    machine_inputs,
    profile_inputs,
    server_inputs,
)
from deployworkbook.costs.estimation.machines import needed_at_peak, workers
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.entries import MachineType
from deployworkbook.formulas.frontier import pareto
from deployworkbook.validation import check_number, value_error

# Runtimes whose forms a server takes. This workbook's takes all of them. Elsewhere, TensorFlow
# Serving loads SavedModels and LiteRT files, and OpenVINO Model Server ONNX files.
SERVED_RUNTIMES = ("savedmodel", "litert", "onnx")


def advise(
    workload: Workload,
    profiles: Sequence[Profile],
    catalog: Catalog | None = None,
    *,
    accuracy_share: float = 0.0,
    memory_bytes: float = np.inf,
    machines: Sequence[str] | None = None,
    devices: int = 0,
    like: Deployment | None = None,
    servable: Collection[str] | None = None,
) -> Advice:
    """Find the cheapest combination of a profile and a machine that meets all objectives.

    Args:
        workload: Workload, with its latency objective.
        profiles: Measured variants in runtimes, at least one.
        catalog: Prices and assumptions; by default the shipped catalogue.
        accuracy_share: Accuracy objective, from 0 to 1.
        memory_bytes: Most memory that a process may take.
        machines: Names of the machines to compare; by default all cloud machines on which ``like``
            can serve, and the edge boards if there are devices.
        devices: Number of boards that an edge deployment would need; 0 leaves the edge out.
        like: Deployment with what all combinations share (regions, queue, storage, spot share …).
        servable: Runtimes for which there is a server, such as ``SERVED_RUNTIMES``; by default all.
            A program on a board calls its runtime without one.

    Raises:
        TypeError: An argument is not a number.
        ValueError: There is no profile or machine, a machine cannot serve as ``like`` does, or an
            argument is out of range.

    >>> fast = Profile("int8", "litert", 0.01, 0.1, 0.977, 107_752, 93_384, 200e6)
    >>> slow = Profile("float32", "keras", 40.0, 0.1, 0.978, 409_068, 379_481, 900e6)
    >>> advice = advise(Workload(100.0), [fast, slow], accuracy_share=0.97)
    >>> advice.best.machine.name, advice.best.profile.name
    ('c6g.medium', 'int8 in litert')
    """
    book = load_catalog() if catalog is None else catalog
    if not profiles:
        remedy = "Measure some first: lessons 04 to 09 write them to the ledger."
        raise value_error("profiles", received="none", expected="at least one", remedy=remedy)
    shared = replace(like or Deployment(profiles[0]), profile=profiles[0], devices=devices)
    if machines is None:
        kinds = {*KINDS[shared.serving]} - (set() if devices else {"edge"})
        chosen = [machine for machine in book.machines.values() if machine.kind in kinds]
    else:
        chosen = [book.machine(name) for name in machines]
        for machine in chosen:
            check_serving(shared.serving, machine)
    if not chosen:
        raise value_error("machines", received="none", expected="at least one")
    check_number("accuracy_share", accuracy_share, 0, 1)
    if not memory_bytes > 0:
        raise value_error("memory_bytes", received=f"{memory_bytes}", expected="above 0")
    if devices == 0 and any(machine.kind == "edge" for machine in chosen):
        raise value_error("devices", received="0, and edge boards", expected="the number of boards")
    inputs = _all_at_once(workload, profiles, chosen, book, shared)
    month = month_of(inputs)
    costs = month.cost_usd
    if shared.replicas is None:
        busiest = int(np.argmax(inputs.load_ratios))
        replicas = np.where(month.able, month.machines[..., busiest], np.inf)
        too_few = np.zeros(costs.shape, bool)
    else:
        replicas = needed_at_peak(inputs)
        given = float(shared.replicas * shared.regions)
        too_few = (replicas > given) & (np.asarray(inputs.devices) == 0)
    need = np.array([profile.memory_bytes for profile in profiles])[:, None]
    accuracy = np.array([profile.accuracy_share for profile in profiles])[:, None]
    # For functions, workers don't depend on the machine.
    does_not_fit = np.broadcast_to(workers(inputs) < 1, costs.shape)
    too_large = does_not_fit | (need > memory_bytes)
    boards = np.array([machine.kind == "edge" for machine in chosen])
    no_server = np.array(
        [[servable is not None and each.runtime not in servable] for each in profiles]
    )
    unservable = no_server & ~boards
    too_slow = (np.isinf(replicas) & ~does_not_fit) | too_few
    able = np.where(too_large | too_slow | unservable, np.inf, costs)
    return Advice(
        workload=workload,
        profiles=tuple(profiles),
        machines=tuple(chosen),
        like=shared,
        catalog=book,
        accuracy_objective_share=accuracy_share,
        memory_objective_bytes=memory_bytes,
        costs_usd_per_month=costs,
        replicas=replicas,
        inaccurate=np.broadcast_to(accuracy < accuracy_share, costs.shape),
        too_large=too_large,
        too_slow=too_slow,
        unservable=unservable,
        frontier=_frontier(able, accuracy[:, 0]),
    )


def _all_at_once(
    workload: Workload,
    profiles: Sequence[Profile],
    machines: Sequence[MachineType],
    book: Catalog,
    like: Deployment,
) -> Inputs:
    """Gather the inputs of all combinations: profiles on the first axis, machines on the second."""
    first = gather(workload, deployment_of(like, profiles[0], machines[0]), book)
    of_profiles = [profile_inputs(each, like.measured_speed_ratio) for each in profiles]
    by_profile: dict[str, Any] = {
        name: np.array([[values[name]] for values in of_profiles]) for name in of_profiles[0]
    }
    of_machines = [machine_inputs(machine) for machine in machines]
    by_machine: dict[str, Any] = {
        name: np.array([[values[name] for values in of_machines]]) for name in of_machines[0]
    }
    edge = np.array([machine.kind == "edge" for machine in machines])[None, :]
    # The server's work differs between cloud and edge alone, not between machines of a kind.
    kinds = {machine.kind == "edge": machine for machine in machines}
    of_servers = [
        {kind: server_inputs(replace(like, profile=p), kinds[kind], book) for kind in kinds}
        for p in profiles
    ]
    both: dict[str, Any] = {
        name: np.array([[of[kind][name] for kind in edge[0].tolist()] for of in of_servers])
        for name in ("server_overhead_s", "service_scv")
    }
    both["devices"] = np.where(edge, float(like.devices), 0.0)
    return replace(first, **by_profile, **by_machine, **both)


def _frontier(costs: Array, accuracy: Array) -> Flags:
    """Mark each profile's cheapest machine, unless another profile is cheaper and as accurate."""
    cheapest = costs.argmin(axis=1)
    least = costs.min(axis=1).round(2)  # less than a cent doesn't count
    marks = np.zeros(costs.shape, bool)
    able = np.isfinite(least)
    if able.any():
        on = pareto(least[able], accuracy[able])
        rows = np.flatnonzero(able)[on]
        marks[rows, cheapest[rows]] = True
    return marks
