"""The cheapest server for a language model's traffic: of every model, precision, machine and batch.

The search is exhaustive: all combinations are computed, as one array. So the first is the cheapest
there is, by the modelled speeds, and every other one has a reason why it lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.token_entries import AcceleratorMachine, LanguageModel
from deployworkbook.costs.tokens.advice import TokenAdvice
from deployworkbook.costs.tokens.bill import Terms, price_per_hour
from deployworkbook.costs.tokens.server import precision_of
from deployworkbook.costs.tokens.speed import TokenSpeed, reached, speeds
from deployworkbook.costs.tokens.workload import TokenWorkload
from deployworkbook.costs.units import HOURS_PER_MONTH
from deployworkbook.formulas.erlang import erlang_c
from deployworkbook.formulas.token_costs import largest_batch
from deployworkbook.validation import check_integer, check_number, value_error

Array = NDArray[np.float64]

PARALLEL = (1, 2, 4, 8)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
# Rounding must not add a server.
TINY = 1e-9
LATE_SHARE = 0.01  # one of a hundred may be later than the objective


def advise_tokens(
    workload: TokenWorkload,
    models: Sequence[str],
    catalog: Catalog | None = None,
    *,
    bits: Sequence[int] = (16, 8, 4),
    accelerators: Sequence[str] | None = None,
    batches: Sequence[int] = BATCHES,
    terms: Terms = "on-demand",
    cache_bits: float = 16.0,
    prompt_tokens_per_step: int = 512,
) -> TokenAdvice:
    """Find the cheapest servers of one's own that keep the objectives for latency.

    A combination is a model, its bits per weight, a machine, the devices that share a model (1, 2,
    4 or 8 of a machine's) and a batch. In the busiest hour, servers may be used up to the
    catalogue's ``utilisation_limit_share``; their number, and the machines', follows:

        servers = ⌈peak rate / (limit · requests per second)⌉
        machines = ⌈servers / ⌊devices of the machine / devices of a server⌋⌉

    Times are those of full slots. To the first token count the wait for a slot (Erlang's C, with
    exponential times), the wait for other prompts (as in a queue with one server and equal times,
    by its exponential tail) and the prompt itself.

    Args:
        workload: Traffic, with its objectives.
        models: Names of the models that are good enough; at least one.
        catalog: Prices and assumptions; by default the shipped catalogue.
        bits: Bits per weight that are good enough: 16, 8, 4.
        accelerators: Names of the devices to compare; by default all of the catalogue.
        batches: Batches to compare.
        terms: ``on-demand``, or reserved for ``one-year`` or ``three-years``.
        cache_bits: Bits per number of the cache of keys and values.
        prompt_tokens_per_step: Tokens of prompts that a step reads at most.

    Raises:
        ValueError: A name is unknown, there is nothing to compare, or a model's context is too
            short.

    >>> advice = advise_tokens(TokenWorkload(2.0), ["llama-3.1-8b"])
    >>> best = advice.best
    >>> best.machine.name, best.bits, best.machines
    ('g6e.xlarge', 8, 1.0)
    """
    book = load_catalog() if catalog is None else catalog
    chosen = [book.language_model(name) for name in models]
    if not chosen:
        raise value_error("models", received="none", expected="at least one")
    names = list(book.accelerators) if accelerators is None else list(accelerators)
    machines = [machine for name in names for machine in book.machines_with(name)]
    sizes = [check_integer("batches", each, 1, 1_000_000) for each in batches]
    forms = [precision_of(each) for each in bits]
    if not (machines and sizes and forms):
        what = "accelerators" if not machines else "batches" if not sizes else "bits"
        raise value_error(what, received="none", expected="at least one")
    check_number("cache_bits", cache_bits, 1, 32)
    check_integer("prompt_tokens_per_step", prompt_tokens_per_step, 1)
    _check_contexts(workload, chosen)
    found = [
        [
            _one_form(
                workload,
                model,
                form_bits,
                machines,
                sizes,
                book,
                cache_bits,
                prompt_tokens_per_step,
            )
            for form_bits in bits
        ]
        for model in chosen
    ]
    fits = np.array([[one[0] for one in row] for row in found])
    first, between, rate, prompt = (
        np.array([[getattr(one[1], name) for one in row] for row in found])
        for name in ("first_token_s", "between_tokens_s", "requests_per_s", "prompt_s")
    )
    limit = book.value("utilisation_limit_share")
    peak = workload.peak_requests_per_s
    servers = np.maximum(np.ceil(peak / (limit * rate) - TINY), 1.0)
    in_machine = np.array([[each.devices // n for n in PARALLEL] for each in machines])[..., None]
    able = fits & (in_machine > 0)
    number = np.where(able, np.ceil(servers / np.maximum(in_machine, 1) - TINY), np.inf)
    prices = np.array([price_per_hour(each, terms, book) for each in machines])[:, None, None]
    waits = np.zeros(able.shape)
    slots = np.broadcast_to(np.array(sizes, float), able.shape)[able]
    waits[able] = _waits(slots, (peak / servers)[able], rate[able], prompt[able])
    first_token_s = first + waits
    return TokenAdvice(
        workload=workload,
        models=tuple(chosen),
        bits=tuple(bits),
        machines=tuple(machines),
        parallel=PARALLEL,
        batches=tuple(sizes),
        terms=terms,
        cache_bits=cache_bits,
        catalog=book,
        costs_usd_per_month=number * prices * HOURS_PER_MONTH,
        machines_needed=number,
        servers_needed=np.where(able, servers, np.inf),
        first_token_s=first_token_s,
        between_tokens_s=between,
        too_large=~able,
        first_too_late=able & (first_token_s * 1e3 > workload.first_token_objective_ms),
        others_too_late=able & (between * 1e3 > workload.between_tokens_objective_ms),
        busy_share=np.where(able, workload.requests_per_s / (servers * rate), np.inf),
    )


def _one_form(
    workload: TokenWorkload,
    model: LanguageModel,
    bits: int,
    machines: Sequence[AcceleratorMachine],
    sizes: Sequence[int],
    book: Catalog,
    cache_bits: float,
    prompt_tokens_per_step: int,
) -> tuple[NDArray[np.bool_], TokenSpeed]:
    """Return what fits, and how fast it is, of shape ``[machines, parallel, batches]``."""
    form = precision_of(bits)
    chips = [each.accelerator for each in machines]
    limits = [reached(chip, form.compute_bits, book) for chip in chips]

    def column(values: list[float]) -> Array:
        return np.array(values)[:, None, None]

    parallel, batches = np.array(PARALLEL, float)[:, None], np.array(sizes, float)
    share = book.value("accelerator_memory_share")
    room = column([chip.memory_bytes for chip in chips]) * parallel * share
    tokens = workload.prompt_tokens + workload.answer_tokens
    most = largest_batch(
        model.shape,
        memory_bytes=room,
        tokens=tokens,
        weight_bits=form.weight_bits,
        cache_bits=cache_bits,
    )
    speed = speeds(
        model,
        form,
        operations_per_s=column([peak for peak, _ in limits]),
        bytes_per_s=column([bandwidth for _, bandwidth in limits]),
        devices=parallel,
        batch=batches,
        cache_bits=cache_bits,
        prompt_tokens_per_step=prompt_tokens_per_step,
        prompt_tokens=workload.prompt_tokens,
        answer_tokens=workload.answer_tokens,
        catalog=book,
    )
    return most >= batches, speed


def _waits(slots: Array, arrivals: Array, rate: Array, prompt_s: Array) -> Array:
    """Return the waits for a slot and for other prompts that 99 of 100 requests don't exceed."""
    busy = arrivals / rate
    late = erlang_c(slots, busy * slots)
    mean = 1.0 / (rate * (1.0 - busy))  # of those that wait: S / (c (1 - ρ)), with S = c / rate
    for_slot = mean * np.log(np.maximum(late / LATE_SHARE, 1.0))
    load = arrivals * prompt_s
    tail = np.log(np.maximum(load / LATE_SHARE, 1.0))
    return np.asarray(for_slot + tail * prompt_s / (2.0 * (1.0 - load)))


def _check_contexts(workload: TokenWorkload, models: Sequence[LanguageModel]) -> None:
    tokens = workload.prompt_tokens + workload.answer_tokens
    for model in models:
        if tokens > model.context:
            raise value_error(
                "models",
                received=f"{model.name} with a context of {model.context:,}",
                expected=f"a context for {tokens:,g} tokens of prompt and answer",
            )
