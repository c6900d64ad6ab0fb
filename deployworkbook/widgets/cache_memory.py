"""The cache explorer: how much memory the users of a language model take."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.server import PRECISIONS
from deployworkbook.formulas.token_costs import (
    cache_bytes_per_token,
    largest_batch,
    weight_bytes,
)
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.plots.cache_memory import CacheResult, CacheView
from deployworkbook.widgets.controls import Choice, LogSlider, Stops
from deployworkbook.widgets.explorer import Explorer

MOST_USERS = 1000
COUNTS = np.geomspace(1, MOST_USERS, 31)
CACHE_BITS = (4, 8, 16)
BITS = {f"{bits} bits": bits for bits in PRECISIONS}
PUBLISHED, EACH, SINGLE = "as published", "one per query head", "a single one"
GROUPINGS = (EACH, PUBLISHED, SINGLE)
FEWEST_TOKENS, MOST_TOKENS = 128.0, 131_072.0


def compute_cache(
    catalog: Catalog,
    *,
    model: str,
    grouping: str,
    tokens: float,
    users: float,
    cache_bits: int,
    precision: str,
) -> CacheResult:
    """Compute what weights and caches take, and how many users fit into each accelerator.

    Args:
        catalog: Models and accelerators.
        model: Name of a language model.
        grouping: How many heads of keys and values it has: as published, one for each query head,
            or a single one.
        tokens: Tokens of each user; at most the model's context is used.
        users: Users at once.
        cache_bits: Bits per number of the cache.
        precision: ``"16 bits"``, ``"8 bits"`` or ``"4 bits"`` per weight.

    >>> result = compute_cache(
    ...     load_catalog(), model="llama-3.1-70b", grouping="as published", tokens=8000, users=10,
    ...     cache_bits=16, precision="16 bits",
    ... )
    >>> result.token_bytes, round(result.cache_bytes / 1e9, 1)  # 2 · 80 · 8 · 128 · 2
    (327680.0, 26.2)
    """
    published = catalog.language_model(model).shape
    shapes = {
        EACH: _grouped(published, published.heads),
        PUBLISHED: published,
        SINGLE: _grouped(published, 1),
    }
    length = min(round(tokens), published.context)
    bits = PRECISIONS[BITS[precision]].weight_bits
    token = {
        name: float(cache_bytes_per_token(shape, cache_bits=cache_bits))
        for name, shape in shapes.items()
    }
    weights = {name: float(weight_bytes(s, weight_bits=bits)) for name, s in shapes.items()}
    chips = catalog.accelerators
    fits = largest_batch(
        shapes[grouping],
        memory_bytes=[_usable_bytes(catalog, name) for name in chips],
        tokens=length,
        weight_bits=bits,
        cache_bits=cache_bits,
    )
    return CacheResult(
        model=model,
        layers=published.layers,
        kv_heads=shapes[grouping].kv_heads,
        head_width=published.head_width,
        cache_bits=cache_bits,
        tokens=length,
        users=round(users),
        token_bytes=token[grouping],
        weight_bytes=weights[grouping],
        counts=COUNTS,
        totals_bytes={name: weights[name] + COUNTS * length * token[name] for name in shapes},
        fitting=dict(zip(chips, fits.tolist(), strict=True)),
    )


def cache_explorer(
    *, model: str = "llama-3.1-8b", users: int = 10, catalog: Catalog | None = None
) -> Explorer[CacheResult]:
    """Make the explorer of key-value caches.

    Args:
        model: Initial model, a name in the catalogue.
        users: Initial number of users at once.
        catalog: Models, accelerators and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: The catalogue has no such model.
    """
    book = load_catalog() if catalog is None else catalog
    controls = [
        Choice("model", "model", tuple(book.language_models), book.language_model(model).name),
        Choice("grouping", "key-value heads", GROUPINGS, PUBLISHED),
        LogSlider("tokens", "tokens per user", FEWEST_TOKENS, MOST_TOKENS, 10, 8000.0),
        LogSlider("users", "users at once", 1.0, float(MOST_USERS), 10, float(users)),
        Stops("cache_bits", "bits of the cache", CACHE_BITS, 16),
        Choice("precision", "weights in", tuple(BITS), next(iter(BITS))),
    ]
    memories_gb = {name: _usable_bytes(book, name) / 1e9 for name in book.accelerators}
    return Explorer(controls, partial(compute_cache, book), CacheView(GROUPINGS, memories_gb))


def _grouped(shape: TransformerShape, kv_heads: int) -> TransformerShape:
    return replace(shape, kv_heads=kv_heads)


def _usable_bytes(catalog: Catalog, name: str) -> float:
    """Return what weights and caches may take of a device's memory."""
    return catalog.accelerator(name).memory_bytes * catalog.value("accelerator_memory_share")
