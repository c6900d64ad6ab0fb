"""The catalogue in plain types, for programs that read JSON."""

from __future__ import annotations

import datetime
import math
from dataclasses import fields
from typing import Any

from deployworkbook.costs.prices.catalog import SECTIONS, Catalog
from deployworkbook.costs.prices.entries import Processor, Source, Tier
from deployworkbook.costs.prices.token_entries import Accelerator, LanguageModel


def catalog_as_dict(catalog: Catalog) -> dict[str, Any]:
    """Return all entries in plain types, by section and name; names carry their units.

    A machine names its processor, which has a section of its own, and so on. The last tier of a
    price ends nowhere: its ``up_to_gib`` is ``None``, since JSON has no infinity.

    Args:
        catalog: The catalogue, with or without a learner's own prices.

    >>> from deployworkbook.costs.prices.catalog_file import load_catalog
    >>> catalog_as_dict(load_catalog())["machines"]["c7g.large"]["vcpus"]
    2
    """
    named: dict[str, Any] = {
        section: {name: _fields(entry) for name, entry in getattr(catalog, section).items()}
        for section in SECTIONS
    }
    return {"files": list(catalog.files)} | named


def _fields(entry: Any) -> dict[str, Any]:
    return {each.name: _plain(getattr(entry, each.name)) for each in fields(entry)}


def _plain(value: Any) -> Any:
    if isinstance(value, Processor | Accelerator | LanguageModel):
        return value.name
    if isinstance(value, Source | Tier):
        return _fields(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and math.isinf(value):
        return None
    return value
