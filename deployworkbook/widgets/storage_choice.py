"""The storage explorer: local SSD, network SSD, HDD or objects, by size and access."""

from __future__ import annotations

from functools import partial

import numpy as np

from deployworkbook.costs.advice.storing import storage_options
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.units import GIB
from deployworkbook.plots.storage_choice import StorageResult, StorageView
from deployworkbook.widgets.controls import LogSlider
from deployworkbook.widgets.cost_controls import KB
from deployworkbook.widgets.explorer import Explorer

GIB_LOW, GIB_HIGH = 0.001, 100_000.0
READS_LOW, READS_HIGH = 1.0, 1e11
CURVE_READS = np.geomspace(READS_LOW, READS_HIGH, 111)
READ_KB_LOW, READ_KB_HIGH = 0.1, 1e7


def compute_storage(
    catalog: Catalog,
    *,
    stored_gib: float,
    reads_per_month: float,
    read_kb: float,
    writes_per_month: float,
    read_limit_ms: float,
) -> StorageResult:
    """Compare all kinds of storage for one use.

    Args:
        catalog: Prices and assumptions.
        stored_gib: Stored data in GiB.
        reads_per_month: Number of reads.
        read_kb: Size per read and per write, in units of 1,000 bytes; at most all stored data.
        writes_per_month: Number of writes.
        read_limit_ms: Longest time that a read may take.
    """
    size = min(KB * read_kb, stored_gib * GIB)
    options_at = partial(
        storage_options,
        stored_gib,
        writes_per_month=writes_per_month,
        read_bytes=size,
        catalog=catalog,
    )
    found = {
        reads: {option.storage.name: option for option in options_at(reads_per_month=reads)}
        for reads in (0.0, reads_per_month)
    }
    options = tuple(found[reads_per_month][name] for name in catalog.storage)
    # Cost is linear in the number of reads, so two points determine it.
    never = np.array([found[0.0][name].cost_usd_per_month for name in catalog.storage])
    here = np.array([option.cost_usd_per_month for option in options])
    slopes = (here - never) / reads_per_month
    return StorageResult(
        stored_gib=stored_gib,
        reads_per_month=reads_per_month,
        read_bytes=size,
        read_limit_s=read_limit_ms / 1e3,
        options=options,
        curve_reads=CURVE_READS,
        curves_usd=never[:, None] + slopes[:, None] * CURVE_READS,
    )


def storage_explorer(
    catalog: Catalog | None = None,
    *,
    stored_gib: float = 100.0,
    reads_per_month: float = 1e5,
    read_kb: float = 1000.0,
    read_limit_ms: float = 1e4,
) -> Explorer[StorageResult]:
    """Make the storage explorer.

    Args:
        catalog: Prices and assumptions; by default the shipped catalogue.
        stored_gib: Initial amount of data.
        reads_per_month: Initial number of reads.
        read_kb: Initial size per read.
        read_limit_ms: Initial limit on the time per read.
    """
    book = load_catalog() if catalog is None else catalog
    controls = [
        LogSlider("stored_gib", "stored data", GIB_LOW, GIB_HIGH, 10, stored_gib, "GiB"),
        LogSlider(
            "reads_per_month", "reads", READS_LOW, READS_HIGH, 10, reads_per_month, "per month"
        ),
        LogSlider("read_kb", "size per read", READ_KB_LOW, READ_KB_HIGH, 10, read_kb, "KB"),
        LogSlider("writes_per_month", "writes", READS_LOW, 1e9, 10, READS_LOW, "per month"),
        LogSlider("read_limit_ms", "time per read", 0.1, 1e6, 10, read_limit_ms, "ms"),
    ]
    places = {each.source.region: each.source.date for each in book.storage.values()}
    days = sorted(each.source.date for each in book.storage.values())
    note = f"Modelled. Prices of {', '.join(places)}, {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}."
    kinds = [each.kind for each in book.storage.values()]
    view = StorageView(list(book.storage), kinds, CURVE_READS, note)
    return Explorer(controls, partial(compute_storage, book), view)
