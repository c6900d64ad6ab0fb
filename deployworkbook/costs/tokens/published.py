"""The modelled speed held against published measurements, with its error.

The assumptions were chosen with the dense models on A100, H100, H200 and the TPU in view, so their
small errors don't prove much. What wasn't looked at before says more:

- Mixtral: the program that was measured, of 2024, is up to twice as slow as the model says.
- One L40S or A10G: the model is 4 to 22 % too fast. With several L4 or A10G it is 12 to 64 % too
  fast: they have no direct link, so they exchange their parts over the machine's bus, and the more
  of them share a layer, the larger the error.
- A T4 in 4 bits: the model is 74 % too fast. Its program of 2023 takes a detour, since its
  instructions were made for newer GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.token_entries import TokenRate
from deployworkbook.costs.tokens.server import Precision, TokenServer
from deployworkbook.costs.tokens.speed import token_speed

# Servers hold no more answers than this, however large the memory (TensorRT-LLM's default).
MOST_SEQUENCES = 2048


@dataclass(frozen=True)
class RateCheck:
    """A published measurement, and what the model says.

    Args:
        published: The measurement, with its source.
        sequences: Answers in progress: as published, or as many as fit into the memory.
        modelled_tokens_per_s: What the model says.
    """

    published: TokenRate
    sequences: int
    modelled_tokens_per_s: float

    @property
    def error_share(self) -> float:
        """How much too high the model is: 0.1 for 10 %, negative if it is too low."""
        return self.modelled_tokens_per_s / self.published.answer_tokens_per_s - 1.0


def check_against_published(catalog: Catalog | None = None) -> list[RateCheck]:
    """Compute what the model of speed says for each published measurement.

    Args:
        catalog: Measurements and assumptions; by default the shipped catalogue.

    >>> found = check_against_published()
    >>> h100 = next(each for each in found if each.published.name == "h100-8b-1000-1000")
    >>> f"{h100.published.answer_tokens_per_s:,g} measured, {h100.error_share:+.0%} modelled"
    '15,220 measured, -4% modelled'
    """
    book = load_catalog() if catalog is None else catalog
    return [_check(each, book) for each in book.token_rates.values()]


def typical_error(checks: list[RateCheck]) -> float:
    """Return the error that half of the checks exceed, as a share, whichever its sign.

    Args:
        checks: Results of ``check_against_published``.
    """
    return float(np.median([abs(each.error_share) for each in checks]))


def _check(published: TokenRate, book: Catalog) -> RateCheck:
    lengths = {
        "prompt_tokens": published.prompt_tokens,
        "answer_tokens": published.answer_tokens,
    }
    server = TokenServer(
        published.model,
        published.accelerator,
        published.devices,
        Precision(published.weight_bits, published.compute_bits),
        cache_bits=published.cache_bits,
    )
    sequences = published.sequences
    if not sequences:
        fit = server.largest_batch(sum(lengths.values()), book)
        sequences = max(1, min(fit, MOST_SEQUENCES))
    found = token_speed(
        TokenServer(
            server.model,
            server.accelerator,
            server.devices,
            server.precision,
            sequences,
            server.cache_bits,
        ),
        **lengths,
        catalog=book,
    )
    return RateCheck(published, sequences, float(found.answer_tokens_per_s))
