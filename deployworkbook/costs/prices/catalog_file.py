"""The catalogue's files: read, checked field by field, and merged by name.

An error names the file, the entry and the field. A learner's file overrides the shipped one; if it
names no source, the file itself is the source of its entries.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.entries import (
    Assumption,
    Balancer,
    Basis,
    Figure,
    MachineKind,
    MachineType,
    Processor,
    Source,
    Storage,
    StorageKind,
    Tier,
    Transfer,
)
from deployworkbook.costs.prices.entry_checks import check_whole
from deployworkbook.costs.prices.field_entries import Battery, Radio
from deployworkbook.costs.prices.microcontroller import Core, Microcontroller
from deployworkbook.costs.prices.token_entries import (
    Accelerator,
    AcceleratorKind,
    AcceleratorMachine,
    LanguageModel,
    TokenPrice,
    TokenRate,
)
from deployworkbook.costs.units import check_quantity
from deployworkbook.validation import (
    check_choice,
    describe,
    did_you_mean,
    message,
    type_error,
    value_error,
)

# Allow for time zones in which it is already tomorrow.
A_DAY = timedelta(days=1)
SHIPPED = Path(__file__).with_name("catalog.toml")

SECTIONS = {
    "sources": Source,
    "processors": Processor,
    "machines": MachineType,
    "microcontrollers": Microcontroller,
    "storage": Storage,
    "archives": Storage,
    "balancers": Balancer,
    "transfer": Transfer,
    "figures": Figure,
    "radios": Radio,
    "batteries": Battery,
    "accelerators": Accelerator,
    "accelerator_machines": AcceleratorMachine,
    "language_models": LanguageModel,
    "token_prices": TokenPrice,
    "token_rates": TokenRate,
    "assumptions": Assumption,
}
CHOICES = {
    ("machines", "kind"): get_args(MachineKind),
    ("microcontrollers", "core"): get_args(Core),
    ("storage", "kind"): get_args(StorageKind),
    ("archives", "kind"): get_args(StorageKind),
    ("processors", "architecture"): ("x86", "arm", "gpu", "tpu"),
    ("accelerators", "kind"): get_args(AcceleratorKind),
    ("sources", "basis"): get_args(Basis),
}
# Fields that name an entry of another section, and that section.
REFERENCES = {
    "source": "sources",
    "device_source": "sources",
    "processor": "processors",
    "accelerator": "accelerators",
    "model": "language_models",
}
# Sections whose entries the formulas look up by name.
FIXED = {"transfer", "figures", "assumptions"}
TEXTS = {"title", "url", "region", "basis", "kind", "architecture", "core", "reason"}


def load_catalog(own: Path | None = None) -> Catalog:
    """Read the shipped catalogue, and merge the learner's own file into it.

    Args:
        own: TOML file of the same form, with only the entries and fields that it changes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not TOML, or an entry in it is wrong; the message names file and field.
        TypeError: A field has the wrong type; the message names file and field.
    """
    if own is None:
        return _shipped()
    tables = {section: dict(entries) for section, entries in _shipped_tables().items()}
    given = _read(own)
    _check_names(own.name, given, tables)
    changed = {(section, name) for section in given for name in given[section]}
    for section, entries in given.items():
        for name, entry in entries.items():
            before = tables.setdefault(section, {}).get(name, {})
            if "source" in _fields(section) and "source" not in entry:
                # The shipped source doesn't apply to the learner's price.
                before = {key: value for key, value in before.items() if key != "source"}
            tables[section][name] = {**before, **entry}
    return _build(tables, own, changed)


@cache
def _shipped() -> Catalog:
    return _build(_shipped_tables(), SHIPPED, set())


@cache
def _shipped_tables() -> dict[str, dict[str, dict[str, Any]]]:
    return _read(SHIPPED)


def _read(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected a TOML file. {error}.") from error
    for section, entries in tables.items():
        check_choice(f"{path.name}: section", section, SECTIONS)
        _check_table(f"{path.name}: {section}", entries)
        for name, entry in entries.items():
            _check_table(f"{path.name}: {section}.{name}", entry)
            if not name.strip():
                raise value_error(
                    f"{path.name}: {section}", received="an empty name", expected="a name"
                )
    return tables


def _check_names(
    file: str, given: Mapping[str, Mapping[str, Any]], shipped: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse entries that nothing would use: a new machine can be chosen, a new figure can't."""
    for section in FIXED & set(given):
        for name in given[section]:
            if name not in shipped[section]:
                raise ValueError(
                    _unknown(f"{file}: {section}.{name}", "entry", name, shipped[section])
                )


def _build(
    tables: Mapping[str, dict[str, dict[str, Any]]], path: Path, changed: set[tuple[str, str]]
) -> Catalog:
    own = path != SHIPPED
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    itself = Source(f"your file {path.name}", "", modified, "yours", "own")
    made: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for section in SECTIONS:  # those that others refer to come first
        for name, entry in tables.get(section, {}).items():
            yours = own and (section, name) in changed
            file = path if yours or not own else SHIPPED
            label = f"{file.name}: {section}.{name}"
            values: dict[str, Any] = {"name": name} if "name" in _fields(section) else {}
            for key, value in entry.items():
                if key not in _fields(section) or key == "name":
                    known = [each for each in _fields(section) if each != "name"]
                    raise ValueError(_unknown(f"{label}.{key}", "field", key, known))
                values[key] = _value(label, section, key, value, made, name)
                if yours and key == "date" and values[key] > datetime.now(UTC).date() + A_DAY:
                    expected = "the day of the prices, today at the latest"
                    raise value_error(f"{label}.{key}", received=value, expected=expected)
            if "source" in _fields(section) and yours:
                values.setdefault("source", itself)
            missing = [
                key for key, required in _fields(section).items() if required and key not in values
            ]
            if missing:
                # A new entry needs all fields, but more often its name is misspelled.
                known = [each for each in tables[section] if (section, each) not in changed]
                raise value_error(
                    f"{label}.{missing[0]}",
                    received="nothing",
                    expected="a value, since this is a new entry",
                    remedy=did_you_mean(name, known),
                )
            made[section][name] = SECTIONS[section](**values)
            check_whole(label, made[section][name])
    shown = (SHIPPED.name,) if not own else (SHIPPED.name, path.name)
    parts = {key: MappingProxyType(made[key]) for key in SECTIONS if key != "sources"}
    return Catalog(files=shown, **parts)


def _value(
    label: str, section: str, key: str, value: Any, made: dict[str, dict[str, Any]], name: str
) -> Any:
    """Check one field, and look up the entry that it refers to."""
    field = f"{label}.{key}"
    if key in REFERENCES:
        there = made[REFERENCES[key]]
        return there[check_choice(field, value, there)]
    if key == "date":
        if type(value) is not date:
            expected = "a date such as 2026-01-31, without quotation marks"
            raise type_error(field, received=describe(value), expected=expected)
        return value
    if key == "tiers":
        return _tiers(field, section, value)
    if key in TEXTS:
        if not isinstance(value, str) or not (value.strip() or key == "url"):
            raise type_error(field, received=describe(value), expected="a text")
        if (section, key) in CHOICES:
            check_choice(field, value, CHOICES[section, key])
        return value
    # The unit of a single figure is in the entry's name.
    unit = name if key in {"value", "low", "high"} else key
    return check_quantity(field, unit, value)


def _tiers(field: str, section: str, value: Any) -> tuple[Tier, ...]:
    price = "price_usd_per_gib_month" if section in {"storage", "archives"} else "price_usd_per_gib"
    if not isinstance(value, list) or not value:
        raise type_error(field, received=describe(value), expected="a list of tiers")
    tiers = []
    for number, tier in enumerate(value):
        _check_table(f"{field}[{number}]", tier)
        for key in tier:
            if key not in {price, "up_to_gib"}:
                where = f"{field}[{number}].{key}"
                raise ValueError(_unknown(where, "field", key, [price, "up_to_gib"]))
        if price not in tier:
            raise value_error(f"{field}[{number}].{price}", received="nothing", expected="a price")
        numbers = {key: check_quantity(f"{field}[{number}].{key}", key, tier[key]) for key in tier}
        tiers.append(Tier(numbers[price], numbers.get("up_to_gib", float("inf"))))
    ends = [tier.up_to_gib for tier in tiers]
    if ends != sorted(set(ends)) or ends[-1] != float("inf") or ends[0] <= 0:
        expected = "up_to_gib that rises from tier to tier, and none in the last"
        raise value_error(field, received=str(ends), expected=expected)
    return tuple(tiers)


def _check_table(label: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise type_error(label, received=describe(value), expected="a table")


def _unknown(label: str, what: str, name: str, known: Iterable[str]) -> str:
    """Return the error for an unknown field or entry, with a suggestion."""
    names = list(known)
    return message(
        label,
        received=f"an unknown {what}",
        expected="one of " + ", ".join(names),
        remedy=did_you_mean(name, names),
    )


@cache
def _fields(section: str) -> Mapping[str, bool]:
    """Return a section's fields, and whether each is required."""
    required = {
        each.name: each.default is MISSING and each.default_factory is MISSING
        for each in fields(SECTIONS[section])
    }
    return MappingProxyType(required)
