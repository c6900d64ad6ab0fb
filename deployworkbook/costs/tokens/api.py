"""An API's price for the same tokens, and from how many per day one's own server is cheaper."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.token_entries import TokenPrice
from deployworkbook.costs.tokens.bill import MILLION, TokenBill, price_per_hour
from deployworkbook.validation import check_number

HOURS_PER_DAY = 24
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class BreakEven:
    """Own devices against an API.

    Args:
        price: The API's prices.
        api_usd_per_million: What it charges for a million tokens, prompts and answers as they come.
        own_usd_per_day: Cost of the machine, whatever it does.
        capacity_tokens_per_day: Tokens of prompts and answers that the machine can serve.
        tokens_per_day: Tokens per day from which the own machine is cheaper; infinite if it never
            is: full, it still costs more per token than the API.
    """

    price: TokenPrice
    api_usd_per_million: float
    own_usd_per_day: float
    capacity_tokens_per_day: float
    tokens_per_day: float

    @property
    def utilisation_share(self) -> float:
        """How busy the machine is at the break-even; above 1 if there is none."""
        most = self.api_usd_per_million / MILLION * self.capacity_tokens_per_day
        return self.own_usd_per_day / most if most else float("inf")


def api_usd_per_million(price: TokenPrice, prompt_tokens: float, answer_tokens: float) -> float:
    """Return what an API charges for a million tokens of requests: prompts and answers mixed.

    Args:
        price: The API's prices.
        prompt_tokens: Mean tokens of a prompt.
        answer_tokens: Mean tokens of an answer.

    >>> price = load_catalog().token_prices["groq-70b"]
    >>> round(api_usd_per_million(price, 900, 100), 3)  # 0.9 · 0.59 + 0.1 · 0.79
    0.61
    """
    p = check_number("prompt_tokens", prompt_tokens, 0)
    a = check_number("answer_tokens", answer_tokens, 0, open_low=True)
    spent = p * price.prompt_usd_per_million + a * price.answer_usd_per_million
    return spent / (p + a)


def break_even(
    bill: TokenBill,
    price: TokenPrice,
    *,
    most_busy_share: float = 1.0,
    catalog: Catalog | None = None,
) -> BreakEven:
    """Return from how many tokens per day a machine of one's own is cheaper than an API.

    The machine costs M USD per day, used or not, and serves up to C tokens; the API charges A per
    token. From M / A tokens on the machine is cheaper, if that is no more than C. Otherwise it
    never is, with any number of machines: each costs M for at most C tokens, worth A · C.

    Args:
        bill: Server on the machine; all of the machine's devices serve the same model.
        price: The API's prices.
        most_busy_share: How busy the machine may be on average, since traffic comes and goes.
        catalog: Discounts; by default the shipped catalogue.

    >>> from deployworkbook.costs.tokens.bill import token_bill
    >>> from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer
    >>> catalog = load_catalog()
    >>> model, chip = catalog.language_model("llama-3.1-70b"), catalog.accelerator("h200")
    >>> server = TokenServer(model, chip, precision=PRECISIONS[8], batch=64)
    >>> bill = token_bill(server, prompt_tokens=500, answer_tokens=200)
    >>> found = break_even(bill, catalog.token_prices["replicate-70b"])
    >>> f"{found.tokens_per_day / 1e9:.1f} billion tokens per day of at most"
    '1.2 billion tokens per day of at most'
    """
    book = load_catalog() if catalog is None else catalog
    share = check_number("most_busy_share", most_busy_share, 0, 1, open_low=True)
    speed, machine = bill.speed, bill.machine
    rate = api_usd_per_million(price, speed.prompt_tokens, speed.answer_tokens)
    servers = machine.devices // bill.server.devices
    tokens = speed.prompt_tokens + speed.answer_tokens
    capacity = SECONDS_PER_DAY * servers * float(speed.requests_per_s) * tokens * share
    daily = HOURS_PER_DAY * price_per_hour(machine, bill.terms, book)
    needed = daily / (rate / MILLION) if rate else float("inf")
    return BreakEven(
        price=price,
        api_usd_per_million=rate,
        own_usd_per_day=daily,
        capacity_tokens_per_day=capacity,
        tokens_per_day=needed if needed <= capacity else float("inf"),
    )


def prices_of(model: str, catalog: Catalog | None = None) -> list[TokenPrice]:
    """Return what APIs charge for a model's tokens, in the catalogue's order.

    Args:
        model: Name of the model.
        catalog: Prices; by default the shipped catalogue.

    >>> [price.name for price in prices_of("llama-3.1-70b")]
    ['groq-70b', 'together-70b', 'replicate-70b']
    """
    book = load_catalog() if catalog is None else catalog
    wanted = book.language_model(model)
    return [each for each in book.token_prices.values() if each.model == wanted]
