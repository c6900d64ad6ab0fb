"""The roofline explorer: a language model, a device, bits, batch and context."""

from __future__ import annotations

from functools import partial

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer
from deployworkbook.costs.tokens.speed import reached, token_speed
from deployworkbook.formulas.token_costs import cache_bytes_per_token, step_work
from deployworkbook.plots.token_roofline import TokenRooflineResult, TokenRooflineView
from deployworkbook.widgets.controls import Choice, LogSlider, Stops
from deployworkbook.widgets.explorer import Explorer

BATCHES = tuple(2**power for power in range(11))
DEVICES = (1, 2, 4, 8)
BITS = {f"{bits} bits": bits for bits in PRECISIONS}
FEWEST_TOKENS, MOST_TOKENS = 128.0, 131_072.0


def compute_token_roofline(
    catalog: Catalog,
    *,
    model: str,
    accelerator: str,
    devices: int,
    precision: str,
    batch: int,
    tokens: float,
) -> TokenRooflineResult:
    """Model a step of decoding, and the same at other batches and precisions.

    Args:
        catalog: Models, accelerators, and what programs reach of a data sheet.
        model: Name of a language model.
        accelerator: Name of an accelerator.
        devices: Devices that share the model.
        precision: ``"16 bits"``, ``"8 bits"`` or ``"4 bits"`` per weight.
        batch: Sequences at once.
        tokens: Tokens of each sequence so far; at most the model's context is used.

    >>> settings = {"accelerator": "a100", "devices": 1, "batch": 1, "tokens": 1000}
    >>> result = compute_token_roofline(
    ...     load_catalog(), model="llama-3.1-8b", precision="16 bits", **settings
    ... )
    >>> round(result.intensities[0], 3), result.limit  # two operations per weight of two bytes
    (1.0, 'reading the weights')
    """
    entry, chip, bits = (
        catalog.language_model(model),
        catalog.accelerator(accelerator),
        BITS[precision],
    )
    shape, length = entry.shape, min(round(tokens), entry.context)
    batches = np.array(BATCHES, np.float64)
    rates = {}
    for each, kind in PRECISIONS.items():
        server = TokenServer(entry, chip, devices, kind)
        lengths = {"prompt_tokens": length, "answer_tokens": 1}
        step_s = token_speed(server, **lengths, batches=batches, catalog=catalog).step_s
        largest = server.largest_batch(length, catalog)
        rates[each] = np.where(batches <= largest, batches / step_s, np.nan)
        if each == bits:
            here, most, step = server, largest, float(step_s[BATCHES.index(batch)])
            limits = reached(chip, kind.compute_bits, catalog)
    computing, moving = (devices * limit for limit in limits)
    weight_bits, cache_bits = here.precision.weight_bits, here.cache_bits
    work = partial(step_work, shape, weight_bits=weight_bits, cache_bits=cache_bits)
    token_bytes = float(cache_bytes_per_token(shape, cache_bits=cache_bits))
    write, read = work(new=1, past=length, batch=batch), work(new=length)
    peak = devices * chip.operations_per_s(here.precision.compute_bits)
    bandwidth = devices * chip.bytes_per_s
    return TokenRooflineResult(
        model=model,
        devices=f"{devices} × {accelerator}",
        bits=bits,
        batch=batch,
        tokens=length,
        operations_per_s=(peak, computing),
        bytes_per_s=(bandwidth, moving),
        intensities=(
            float(write.matrix_operations / write.weight_bytes),
            float(write.attention_operations / write.cache_bytes),
            float(read.intensity),
        ),
        weights_s=(
            float(write.weight_bytes) / moving,
            float(write.matrix_operations) / computing,
        ),
        cache_s=(
            float(write.cache_bytes) / moving,
            float(write.attention_operations) / computing,
        ),
        step_s=step,
        memory_bytes=here.memory_bytes(catalog),
        weight_bytes=here.weight_bytes,
        cache_bytes=batch * length * token_bytes,
        largest_batch=most,
        batches=batches,
        rates=rates,
    )


def roofline_explorer(
    *,
    model: str = "llama-3.1-8b",
    accelerator: str = "a100",
    catalog: Catalog | None = None,
) -> Explorer[TokenRooflineResult]:
    """Make the roofline explorer of language models.

    Args:
        model: Initial model, a name in the catalogue.
        accelerator: Initial accelerator, a name in the catalogue.
        catalog: Models, accelerators and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: The catalogue has no such name.
    """
    book = load_catalog() if catalog is None else catalog
    controls = [
        Choice("model", "model", tuple(book.language_models), book.language_model(model).name),
        Choice(
            "accelerator",
            "accelerator",
            tuple(book.accelerators),
            book.accelerator(accelerator).name,
        ),
        Choice("precision", "weights in", tuple(BITS), next(iter(BITS))),
        LogSlider("tokens", "tokens per sequence", FEWEST_TOKENS, MOST_TOKENS, 10, 1000.0),
        Stops("batch", "sequences at once", BATCHES, 1),
        Stops("devices", "devices", DEVICES, 1),
    ]
    view = TokenRooflineView(np.array(BATCHES, np.float64), tuple(PRECISIONS))
    return Explorer(controls, partial(compute_token_roofline, book), view)
