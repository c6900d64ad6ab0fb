"""How fast a server reads prompts and writes answers, by the roofline (modelled).

The data sheet's peaks count with what programs reach of them, and each layer takes a moment to
start: assumptions of the catalogue. ``published`` says how far off the result is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.token_entries import Accelerator, LanguageModel
from deployworkbook.costs.tokens.server import Precision, TokenServer
from deployworkbook.formulas.token_costs import step_seconds, step_work
from deployworkbook.validation import check_number

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TokenSpeed:
    """Times and rates of a server whose slots are all in use; arrays, or numbers for one server.

    Args:
        step_s: Time of a step that continues all answers by a token.
        prompt_s: Time that reading a prompt takes beside the answers.
        first_token_s: Time to the first token when nobody else waits.
        between_tokens_s: Time between two tokens while a prompt is read, which 99 of 100 keep.
        requests_per_s: Requests that it answers per second at most.
        prompt_tokens: Tokens of a prompt.
        answer_tokens: Tokens of an answer.
        batch: Answers in progress.
    """

    step_s: Array
    prompt_s: Array
    first_token_s: Array
    between_tokens_s: Array
    requests_per_s: Array
    prompt_tokens: float
    answer_tokens: float
    batch: Array

    @property
    def answer_tokens_per_s(self) -> Array:
        """Tokens of answers per second, while prompts are read as well."""
        return self.requests_per_s * self.answer_tokens

    @property
    def prompt_share(self) -> Array:
        """Share of the time that prompts take."""
        return self.requests_per_s * self.prompt_s

    @property
    def prompt_token_s(self) -> Array:
        """Time of the devices per token of a prompt."""
        return self.prompt_s / self.prompt_tokens

    @property
    def answer_token_s(self) -> Array:
        """Time of the devices per token of an answer; the whole batch shares its steps."""
        steps = self.answer_tokens - 1.0
        return self.step_s * steps / (self.batch * self.answer_tokens)


def token_speed(
    server: TokenServer,
    *,
    prompt_tokens: float,
    answer_tokens: float,
    batches: ArrayLike | None = None,
    catalog: Catalog | None = None,
) -> TokenSpeed:
    """Return how fast a server is, all of its slots in use.

        step = t_0 + max(F_matrices / P, weights / β) + max(F_attention / P, cache / β)
        requests per second = B / ((a - 1) · step + B · prompt time)

    An answer of a tokens needs a - 1 steps, since reading its prompt yields the first. Prompts are
    read in steps that read the weights anyway, so they cost their operations.

    Args:
        server: The server.
        prompt_tokens: Mean tokens of a prompt, at least 1.
        answer_tokens: a, mean tokens of an answer, at least 1.
        batches: B, numbers of slots to compare, any shape; by default the server's own.
        catalog: Assumptions; by default the shipped catalogue.

    Returns:
        Times and rates, each an array of the shape of ``batches``.

    Raises:
        ValueError: A number is out of range.

    >>> catalog = load_catalog()
    >>> model, chip = catalog.language_model("llama-3.1-8b"), catalog.accelerator("l4")
    >>> alone = token_speed(TokenServer(model, chip), prompt_tokens=500, answer_tokens=200)
    >>> many = token_speed(TokenServer(model, chip, batch=16), prompt_tokens=500, answer_tokens=200)
    >>> float(alone.answer_tokens_per_s.round()), float(many.answer_tokens_per_s.round())
    (16.0, 205.0)
    """
    book = load_catalog() if catalog is None else catalog
    peak, bandwidth = reached(server.accelerator, server.precision.compute_bits, book)
    return speeds(
        server.model,
        server.precision,
        operations_per_s=peak,
        bytes_per_s=bandwidth,
        devices=server.devices,
        batch=server.batch if batches is None else batches,
        cache_bits=server.cache_bits,
        prompt_tokens_per_step=server.prompt_tokens_per_step,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        catalog=book,
    )


def reached(accelerator: Accelerator, compute_bits: int, catalog: Catalog) -> tuple[float, float]:
    """Return the operations and the bytes per second that programs reach on a device.

    Args:
        accelerator: The device.
        compute_bits: Bits in which it computes: 16, 8 or 4.
        catalog: Assumptions.
    """
    ratio = catalog.value("tpu_reached_ratio") if accelerator.kind == "tpu" else 1.0
    computing = catalog.value("reached_compute_share") * ratio
    moving = catalog.value("reached_bandwidth_share") * ratio
    return accelerator.operations_per_s(compute_bits) * computing, accelerator.bytes_per_s * moving


def layer_seconds(model: LanguageModel, devices: ArrayLike, catalog: Catalog) -> Array:
    """Return what the layers take per step whatever they compute: starting, and exchanging parts.

    Args:
        model: The model.
        devices: Devices that share its layers; any shape.
        catalog: Assumptions.
    """
    exchange = catalog.value("layer_exchange_us") * (np.asarray(devices) > 1)
    return np.asarray(model.layers * (catalog.value("layer_call_us") + exchange) * 1e-6)


def speeds(
    model: LanguageModel,
    precision: Precision,
    *,
    operations_per_s: ArrayLike,
    bytes_per_s: ArrayLike,
    devices: ArrayLike,
    batch: ArrayLike,
    cache_bits: float,
    prompt_tokens_per_step: int,
    prompt_tokens: float,
    answer_tokens: float,
    catalog: Catalog,
) -> TokenSpeed:
    """Return the speeds of many servers of a model at once: devices, their number and batches.

    Args:
        model: The model.
        precision: How its weights are stored and computed with.
        operations_per_s: What a device reaches in the precision's bits (``reached``); any shape.
        bytes_per_s: Bytes per second that it moves, likewise.
        devices: Devices that share the weights.
        batch: Answers in progress.
        cache_bits: Bits per number of the cache.
        prompt_tokens_per_step: Tokens of prompts that a step reads at most.
        prompt_tokens: Mean tokens of a prompt.
        answer_tokens: Mean tokens of an answer.
        catalog: Assumptions.
    """
    p = check_number("prompt_tokens", prompt_tokens, 1, 1e9)
    a = check_number("answer_tokens", answer_tokens, 1, 1e9)
    shape, count = model.shape, np.asarray(devices, np.float64)
    peak = np.asarray(operations_per_s) * count
    bandwidth = np.asarray(bytes_per_s) * count
    call_s = layer_seconds(model, count, catalog)
    work = partial(step_work, shape, weight_bits=precision.weight_bits, cache_bits=cache_bits)
    # On average an answer is half written.
    step = step_seconds(
        work(new=1, past=p + (a - 1) / 2, batch=batch),
        operations_per_s=peak,
        bytes_per_s=bandwidth,
        call_s=call_s,
    )
    prompt = np.asarray(work(new=p).operations / peak)
    size = np.asarray(batch, np.float64)
    steps, prompt, size = np.broadcast_arrays(step, prompt, size)
    piece = min(1.0, prompt_tokens_per_step / p)
    return TokenSpeed(
        step_s=steps,
        prompt_s=prompt,
        first_token_s=prompt + steps * np.ceil(p / prompt_tokens_per_step),
        between_tokens_s=steps + prompt * piece,
        requests_per_s=np.asarray(size / ((a - 1) * steps + size * prompt)),
        prompt_tokens=p,
        answer_tokens=a,
        batch=size,
    )
