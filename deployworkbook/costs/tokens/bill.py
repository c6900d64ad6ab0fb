"""USD and energy per million tokens of a server: prompts and answers, by how busy it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.token_entries import Accelerator, AcceleratorMachine
from deployworkbook.costs.tokens.server import TokenServer
from deployworkbook.costs.tokens.speed import TokenSpeed, token_speed
from deployworkbook.costs.units import SECONDS_PER_HOUR
from deployworkbook.validation import check_choice, check_number, value_error

Terms = Literal["on-demand", "one-year", "three-years"]
DISCOUNTS: dict[Terms, str] = {
    "on-demand": "",
    "one-year": "one_year_discount_share",
    "three-years": "three_year_discount_share",
}
MILLION = 1e6


@dataclass(frozen=True)
class TokenBill:
    """What a million tokens cost on a server (modelled).

    Args:
        server: The server.
        machine: Machine whose devices it is rented with.
        terms: ``on-demand``, or reserved for ``one-year`` or ``three-years``.
        utilisation_share: Share of the time in which its slots are in use.
        usd_per_hour: Price of the server's devices, their share of the machine's.
        prompt_usd_per_million: USD per million tokens of prompts.
        answer_usd_per_million: USD per million tokens of answers.
        prompt_joules_per_token: Energy of the devices per token of a prompt.
        answer_joules_per_token: Energy of the devices per token of an answer.
        speed: How fast the server is.
        largest_batch: Answers that fit into the memory.
    """

    server: TokenServer
    machine: AcceleratorMachine
    terms: Terms
    utilisation_share: float
    usd_per_hour: float
    prompt_usd_per_million: float
    answer_usd_per_million: float
    prompt_joules_per_token: float
    answer_joules_per_token: float
    speed: TokenSpeed
    largest_batch: int

    @property
    def usd_per_request(self) -> float:
        """Price of a request of average lengths."""
        prompts = self.speed.prompt_tokens * self.prompt_usd_per_million
        return (prompts + self.speed.answer_tokens * self.answer_usd_per_million) / MILLION

    def keeps(self, *, first_token_ms: float = float("inf"), between_tokens_ms: float) -> bool:
        """Return whether the server keeps objectives for its latencies, in ms."""
        first, between = float(self.speed.first_token_s), float(self.speed.between_tokens_s)
        return first * 1e3 <= first_token_ms and between * 1e3 <= between_tokens_ms


def price_per_hour(machine: AcceleratorMachine, terms: Terms, catalog: Catalog) -> float:
    """Return the price of a machine in USD per hour, on demand or reserved.

    The catalogue's discounts are those of ordinary machines; what a provider grants for devices
    in demand is often less.

    Args:
        machine: The machine.
        terms: ``on-demand``, ``one-year`` or ``three-years``.
        catalog: Discounts.

    Raises:
        ValueError: There are no such terms.
    """
    discount = DISCOUNTS[check_choice("terms", terms, DISCOUNTS)]
    return machine.price_usd_per_hour * (1.0 - (catalog.value(discount) if discount else 0.0))


def watts(accelerator: Accelerator, catalog: Catalog) -> tuple[float, float]:
    """Return a device's power when it waits, and at full load."""
    full = accelerator.power_watts or catalog.value("unpublished_tpu_watts")
    return full * catalog.value("device_idle_share"), full


def token_bill(
    server: TokenServer,
    *,
    prompt_tokens: float,
    answer_tokens: float,
    utilisation_share: float = 0.6,
    terms: Terms = "on-demand",
    machine: AcceleratorMachine | None = None,
    catalog: Catalog | None = None,
) -> TokenBill:
    """Compute what a million tokens of prompts and of answers cost on a server.

        USD per million = 10⁶ · USD per second / u · time of the devices per token

    The devices are paid for all the time, and used for the share u of it. Their energy counts at
    full load while they work, which is too much for decoding, and at their idle power otherwise.

    Args:
        server: The server.
        prompt_tokens: Mean tokens of a prompt.
        answer_tokens: Mean tokens of an answer.
        utilisation_share: u, from above 0 to 1: tokens written, divided by those that the server
            could write. Traffic by night and headroom for bursts decide about it.
        terms: ``on-demand``, or reserved for ``one-year`` or ``three-years``.
        machine: Machine whose devices it is rented with; by default the one with the cheapest
            device that has enough of them.
        catalog: Prices and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: A number is out of range, the server doesn't fit into the devices' memory, or
            no machine has as many devices.

    >>> catalog = load_catalog()
    >>> model, chip = catalog.language_model("llama-3.1-8b"), catalog.accelerator("l4")
    >>> bills = [
    ...     token_bill(TokenServer(model, chip, batch=n), prompt_tokens=500, answer_tokens=200)
    ...     for n in (1, 16)
    ... ]
    >>> [round(bill.answer_usd_per_million, 2) for bill in bills]
    [23.78, 1.6]
    """
    book = load_catalog() if catalog is None else catalog
    busy = check_number("utilisation_share", utilisation_share, 0, 1, open_low=True)
    fit = server.largest_batch(prompt_tokens + answer_tokens, book)
    if fit < server.batch:
        raise _too_large(server, fit, book)
    rented = cheapest_machine(server, book) if machine is None else machine
    if rented.accelerator != server.accelerator or rented.devices < server.devices:
        received = f"{rented.devices} × {rented.accelerator.name} ({rented.name})"
        expected = f"a machine with at least {server.devices} × {server.accelerator.name}"
        raise value_error("machine", received=received, expected=expected)
    share = server.devices / rented.devices
    hourly = price_per_hour(rented, terms, book) * share
    speed = token_speed(
        server, prompt_tokens=prompt_tokens, answer_tokens=answer_tokens, catalog=book
    )
    idle, full = watts(server.accelerator, book)
    joules_per_s = server.devices * (full + idle * (1.0 - busy) / busy)
    usd_per_s = hourly / SECONDS_PER_HOUR / busy
    return TokenBill(
        server=server,
        machine=rented,
        terms=terms,
        utilisation_share=busy,
        usd_per_hour=hourly,
        prompt_usd_per_million=MILLION * usd_per_s * float(speed.prompt_token_s),
        answer_usd_per_million=MILLION * usd_per_s * float(speed.answer_token_s),
        prompt_joules_per_token=joules_per_s * float(speed.prompt_token_s),
        answer_joules_per_token=joules_per_s * float(speed.answer_token_s),
        speed=speed,
        largest_batch=fit,
    )


def cheapest_machine(server: TokenServer, book: Catalog) -> AcceleratorMachine:
    """Return the machine with the cheapest device that has enough of them for a server.

    Args:
        server: The server.
        book: Prices.

    Raises:
        ValueError: No machine has so many.
    """
    offered = book.machines_with(server.accelerator.name)
    enough = [each for each in offered if each.devices >= server.devices]
    if not enough:
        most = max(each.devices for each in offered)
        expected = f"at most {most}, the most {server.accelerator.name} in one machine"
        raise value_error("devices", received=f"{server.devices}", expected=expected)
    return min(enough, key=lambda each: each.price_usd_per_hour / each.devices)


def _too_large(server: TokenServer, fit: int, book: Catalog) -> ValueError:
    """Return the error for a server whose weights and caches don't fit into its devices."""
    weights = f"{server.weight_bytes / 1e9:,.0f} GB of weights"
    room = f"{server.memory_bytes(book) / 1e9:,.0f} GB"
    where = f"{room}, what may be used of {server.devices} × {server.accelerator.name}"
    remedy = "Use fewer bits, more devices, or devices with more memory."
    if fit:
        expected = f"at most {fit}, which fit beside {weights} into {where}"
        return value_error("batch", received=f"{server.batch}", expected=expected, remedy=remedy)
    expected = f"weights that leave room for an answer in {where}"
    return value_error(server.model.name, received=weights, expected=expected, remedy=remedy)
