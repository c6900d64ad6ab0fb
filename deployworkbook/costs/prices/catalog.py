"""The catalogue: all entries by section and name.

``catalog_file`` reads it from ``catalog.toml`` and from the learner's own file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar

from deployworkbook.costs.prices.entries import (
    Assumption,
    Balancer,
    Figure,
    MachineType,
    Processor,
    Storage,
    Transfer,
)
from deployworkbook.costs.prices.field_entries import Battery, Radio
from deployworkbook.costs.prices.microcontroller import Microcontroller
from deployworkbook.costs.prices.token_entries import (
    Accelerator,
    AcceleratorMachine,
    LanguageModel,
    TokenPrice,
    TokenRate,
)
from deployworkbook.validation import check_choice

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Catalog:
    """All entries, by section and name.

    Args:
        files: Files that it was read from, the shipped one first.
        machines: Cloud machines and edge boards.
        microcontrollers: Chips with flash and RAM of their own, which run no server.
        storage: Kinds of storage that answer at once.
        archives: Kinds that give data back after hours, for logged requests.
        balancers: Load balancers.
        transfer: Kinds of data transfer.
        figures: Single facts.
        radios: Radio links of small devices.
        batteries: Batteries of small devices.
        accelerators: GPUs and TPUs, for language models.
        accelerator_machines: Further machines with one or more of them.
        language_models: Sizes of open language models.
        token_prices: What APIs charge for tokens.
        token_rates: Published measurements of tokens per second.
        processors: Assumed speeds.
        assumptions: Other assumptions.
    """

    files: tuple[str, ...]
    machines: Mapping[str, MachineType] = field(repr=False)
    microcontrollers: Mapping[str, Microcontroller] = field(repr=False)
    storage: Mapping[str, Storage] = field(repr=False)
    archives: Mapping[str, Storage] = field(repr=False)
    balancers: Mapping[str, Balancer] = field(repr=False)
    transfer: Mapping[str, Transfer] = field(repr=False)
    figures: Mapping[str, Figure] = field(repr=False)
    radios: Mapping[str, Radio] = field(repr=False)
    batteries: Mapping[str, Battery] = field(repr=False)
    accelerators: Mapping[str, Accelerator] = field(repr=False)
    accelerator_machines: Mapping[str, AcceleratorMachine] = field(repr=False)
    language_models: Mapping[str, LanguageModel] = field(repr=False)
    token_prices: Mapping[str, TokenPrice] = field(repr=False)
    token_rates: Mapping[str, TokenRate] = field(repr=False)
    processors: Mapping[str, Processor] = field(repr=False)
    assumptions: Mapping[str, Assumption] = field(repr=False)

    def machine(self, name: str) -> MachineType:
        """Return a machine by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("machine", self.machines, name)

    def microcontroller(self, name: str) -> Microcontroller:
        """Return a microcontroller by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("microcontroller", self.microcontrollers, name)

    def storage_named(self, name: str) -> Storage:
        """Return a kind of storage by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("storage", self.storage, name)

    def storage_or_archive(self, name: str) -> Storage:
        """Return a kind of storage or an archive by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("storage", {**self.storage, **self.archives}, name)

    def balancer(self, name: str) -> Balancer:
        """Return a load balancer by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("balancer", self.balancers, name)

    def value(self, name: str) -> float:
        """Return the value of a figure or an assumption.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        if name in self.figures:
            return self.figures[name].value
        return find("assumption", self.assumptions, name).value

    def accelerator(self, name: str) -> Accelerator:
        """Return an accelerator by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("accelerator", self.accelerators, name)

    def language_model(self, name: str) -> LanguageModel:
        """Return a language model by name.

        Raises:
            ValueError: There is none of that name; the message names the closest one.
        """
        return find("language model", self.language_models, name)

    def machines_with(self, accelerator: str) -> list[AcceleratorMachine]:
        """Return the machines that have an accelerator, those with the fewest devices first.

        Raises:
            ValueError: There is no such accelerator; the message names the closest one.
        """
        chip = self.accelerator(accelerator)
        single = [
            AcceleratorMachine(each.name, chip, each.devices, each.price_usd_per_hour, each.source)
            for each in self.machines.values()
            if each.devices and each.processor.name == accelerator
        ]
        several = [e for e in self.accelerator_machines.values() if e.accelerator == chip]
        return sorted([*single, *several], key=lambda machine: machine.devices)

    def cloud(self) -> list[MachineType]:
        """Return the cloud machines."""
        return [machine for machine in self.machines.values() if machine.kind != "edge"]


# Names of the catalogue's sections, in its order.
SECTIONS = tuple(each.name for each in fields(Catalog) if each.name != "files")


def find(what: str, entries: Mapping[str, Entry], name: str) -> Entry:
    """Return an entry by name.

    Raises:
        ValueError: There is none of that name; the message names the closest one.

    >>> find("machine", {"m6g": 1}, "m6")
    Traceback (most recent call last):
    ...
    ValueError: machine: expected one of 'm6g'. Received: 'm6' (str). Did you mean m6g?
    """
    return entries[check_choice(what, name, entries)]
