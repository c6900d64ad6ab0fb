"""The modelled time of a step, for simulations of batching."""

from __future__ import annotations

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.server import TokenServer
from deployworkbook.costs.tokens.speed import layer_seconds, reached
from deployworkbook.formulas.token_batching import StepTime
from deployworkbook.formulas.token_costs import cache_bytes_per_token, step_work


def token_step(server: TokenServer, catalog: Catalog | None = None) -> StepTime:
    """Return a function that gives the modelled time of a server's step.

    The weights are read once for all; the answers' tokens and those of prompts are multiplied with
    them, and each cached token is read once. It is ``token_speed``'s model for any mix of the
    three, as simple numbers, since a simulation calls it for every step.

    Args:
        server: The server; its batch doesn't matter.
        catalog: Assumptions; by default the shipped catalogue.

    Returns:
        Function of the answers that a step continues, the cached tokens that they read together,
        and the tokens of prompts, which returns seconds.

    >>> catalog = load_catalog()
    >>> server = TokenServer(catalog.language_model("llama-3.1-8b"), catalog.accelerator("l4"))
    >>> step = token_step(server)
    >>> [round(step(answers, 500 * answers, 0) * 1e3) for answers in (1, 16, 64)]  # ms
    [64, 68, 81]
    """
    book = load_catalog() if catalog is None else catalog
    shape, bits = server.model.shape, server.precision
    peak, bandwidth = (
        each * server.devices for each in reached(server.accelerator, bits.compute_bits, book)
    )
    fixed = float(layer_seconds(server.model, server.devices, book))
    cached_bytes = float(cache_bytes_per_token(shape, cache_bits=server.cache_bits))
    one = step_work(shape, new=1, weight_bits=bits.weight_bits)
    token_operations = float(one.matrix_operations)
    # Queries with keys, and their weights with values.
    cached_operations = 4.0 * shape.layers * shape.query_width
    cached = max(cached_operations / peak, cached_bytes / bandwidth)
    weights = _weights_by_batch(server)

    def seconds(answers: int, cached_tokens: int, prompt_tokens: int) -> float:
        tokens = answers + prompt_tokens
        read = weights[min(tokens, len(weights) - 1)] / bandwidth
        return fixed + max(token_operations * tokens / peak, read) + cached * cached_tokens

    return seconds


def _weights_by_batch(server: TokenServer) -> list[float]:
    """Return the bytes of weights that a step reads, by its tokens: few experts for few tokens."""
    most = 1 if server.model.experts == 1 else 2048
    work = step_work(
        server.model.shape,
        new=1,
        batch=np.arange(1, most + 1),
        weight_bits=server.precision.weight_bits,
    )
    return [0.0, *work.weight_bytes.tolist()]
