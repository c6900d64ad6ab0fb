"""The token cost explorer: model, devices, bits, batch and how busy they are, against APIs."""

from __future__ import annotations

from functools import partial

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.api import api_usd_per_million, prices_of
from deployworkbook.costs.tokens.bill import DISCOUNTS, Terms, cheapest_machine, price_per_hour
from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer
from deployworkbook.costs.tokens.speed import token_speed
from deployworkbook.costs.units import SECONDS_PER_HOUR
from deployworkbook.plots.token_cost import TokenCostResult, TokenCostView
from deployworkbook.widgets.controls import Choice, LogSlider, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

BATCHES = tuple(2**power for power in range(10))
DEVICES = (1, 2, 4, 8)
BITS = {f"{bits} bits": bits for bits in PRECISIONS}
TOKENS_PER_DAY = np.geomspace(1e6, 1e11, 201)
HOURS_PER_DAY = 24


def compute_token_cost(
    catalog: Catalog,
    *,
    model: str,
    accelerator: str,
    devices: int,
    precision: str,
    batch: int,
    prompt_tokens: float,
    answer_tokens: float,
    utilisation: float,
    terms: Terms,
) -> TokenCostResult:
    """Compute what a million tokens cost by batch and bits, and where an API's price is met.

        USD per million = 10⁶ · USD per second / (u · requests per second · tokens per request)

    Args:
        catalog: Models, machines, prices and assumptions.
        model: Name of a language model.
        accelerator: Name of an accelerator.
        devices: Devices that share the model; no more than a machine has.
        precision: ``"16 bits"``, ``"8 bits"`` or ``"4 bits"`` per weight.
        batch: Answers at once.
        prompt_tokens: Mean tokens of a prompt.
        answer_tokens: Mean tokens of an answer.
        utilisation: u, percentage of the time in which the server is busy.
        terms: ``on-demand``, or reserved for ``one-year`` or ``three-years``.

    >>> result = compute_token_cost(
    ...     load_catalog(), model="llama-3.1-8b", accelerator="l4", devices=1, precision="4 bits",
    ...     batch=16, prompt_tokens=500, answer_tokens=200, utilisation=60, terms="on-demand",
    ... )
    >>> result.machine, sorted(result.api)
    ('g6.xlarge', ['groq-8b', 'replicate-8b'])
    """
    entry, chip = catalog.language_model(model), catalog.accelerator(accelerator)
    bits, busy = BITS[precision], utilisation / 100
    # The longest prompts and answers that the context has room for, in the same proportion.
    scale = min(1.0, entry.context / (prompt_tokens + answer_tokens))
    prompt, answer = max(prompt_tokens * scale, 1.0), max(answer_tokens * scale, 1.0)
    tokens = prompt + answer
    devices = min(devices, max(each.devices for each in catalog.machines_with(accelerator)))
    machine = cheapest_machine(TokenServer(entry, chip, devices), catalog)
    hourly = price_per_hour(machine, terms, catalog)
    usd_per_s = hourly * devices / machine.devices / SECONDS_PER_HOUR
    batches = np.array(BATCHES, np.float64)
    curves = {}
    for each, kind in PRECISIONS.items():
        server = TokenServer(entry, chip, devices, kind)
        lengths = {"prompt_tokens": prompt, "answer_tokens": answer}
        speed = token_speed(server, **lengths, batches=batches, catalog=catalog)
        largest = server.largest_batch(min(tokens, entry.context), catalog)
        usd = 1e6 * usd_per_s / (busy * speed.requests_per_s * tokens)
        curves[each] = np.where(batches <= largest, usd, np.nan)
        if each == bits:
            place, most, here = BATCHES.index(batch), largest, speed
    api = {
        each.name: api_usd_per_million(each, prompt, answer) for each in prices_of(model, catalog)
    }
    rate = float(here.requests_per_s[place]) * tokens * busy if batch <= most else np.nan
    capacity = HOURS_PER_DAY * SECONDS_PER_HOUR * rate * (machine.devices // devices)
    own_usd = HOURS_PER_DAY * hourly
    price = min(api.values(), default=0.0)
    even = 1e6 * own_usd / price if price else np.inf
    return TokenCostResult(
        model=model,
        devices=f"{devices} × {accelerator}",
        machine=machine.name,
        bits=bits,
        batch=batch,
        utilisation=busy,
        usd_per_million=float(curves[bits][place]),
        between_tokens_s=float(here.between_tokens_s[place]),
        first_token_s=float(here.first_token_s[place]),
        largest_batch=most,
        batches=batches,
        curves=curves,
        api=api,
        tokens_per_day=TOKENS_PER_DAY,
        own_usd_per_day=own_usd * np.ceil(TOKENS_PER_DAY / capacity),
        break_even=float(even) if even <= capacity else np.inf,
    )


def token_cost_explorer(
    *,
    model: str = "llama-3.1-70b",
    accelerator: str = "h100",
    batch: int = 32,
    devices: int = 2,
    catalog: Catalog | None = None,
) -> Explorer[TokenCostResult]:
    """Make the explorer of tokens' costs.

    Args:
        model: Initial model, a name in the catalogue.
        accelerator: Initial accelerator, a name in the catalogue.
        batch: Initial number of answers at once, one of the slider's.
        devices: Initial number of devices per server, one of the slider's.
        catalog: Models, machines, prices and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: The catalogue has no such name.
    """
    book = load_catalog() if catalog is None else catalog
    chip = book.accelerator(accelerator).name
    offered = tuple(name for name in book.accelerators if book.machines_with(name))
    controls = [
        Choice("model", "model", tuple(book.language_models), book.language_model(model).name),
        Choice("accelerator", "accelerator", offered, chip if chip in offered else offered[0]),
        Choice("precision", "weights in", tuple(BITS), "8 bits"),
        LogSlider("prompt_tokens", "tokens per prompt", 10.0, 32_000.0, 10, 500.0),
        LogSlider("answer_tokens", "tokens per answer", 10.0, 4000.0, 10, 200.0),
        Stops("batch", "answers at once", BATCHES, batch),
        Stops("devices", "devices per server", DEVICES, devices),
        Slider("utilisation", "busy", 5, 100, 5, 60, unit="% of the time"),
        Choice("terms", "rented", tuple(DISCOUNTS), "on-demand"),
    ]
    view = TokenCostView(np.array(BATCHES, np.float64), tuple(PRECISIONS), TOKENS_PER_DAY)
    return Explorer(controls, partial(compute_token_cost, book), view)
