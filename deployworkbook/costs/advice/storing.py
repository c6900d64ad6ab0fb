"""Which storage: what each kind costs for an amount of data and its use, and how fast it reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.entries import Storage
from deployworkbook.costs.prices.tiers import cost_in_tiers
from deployworkbook.costs.units import GIB, MIB, SECONDS_PER_MONTH
from deployworkbook.validation import check_number


@dataclass(frozen=True)
class StorageOption:
    """One kind of storage, for one use.

    Args:
        storage: Storage of the catalogue.
        room_usd_per_month: Cost of the stored data.
        use_usd_per_month: Cost of writes, reads and retrieval.
        read_s: Time per read: bytes / throughput + one operation.
        keeps_up: Whether its operations and throughput suffice for all reads and writes.
    """

    storage: Storage
    room_usd_per_month: float
    use_usd_per_month: float
    read_s: float
    keeps_up: bool

    @property
    def cost_usd_per_month(self) -> float:
        """Cost of the stored data and its use."""
        return self.room_usd_per_month + self.use_usd_per_month


def storage_options(
    stored_gib: float,
    *,
    reads_per_month: float = 0.0,
    writes_per_month: float = 0.0,
    read_bytes: float = 0.0,
    catalog: Catalog | None = None,
) -> list[StorageOption]:
    """Compare all kinds of storage: by cost, those that keep up first.

    Args:
        stored_gib: Stored data in GiB.
        reads_per_month: Number of reads.
        writes_per_month: Number of writes.
        read_bytes: Bytes per read and per write.
        catalog: Prices and assumptions; by default the shipped catalogue.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is negative or not finite.

    >>> [option.storage.name for option in storage_options(1000.0)][:2]
    ['object-infrequent', 'cold-hdd']
    """
    book = load_catalog() if catalog is None else catalog
    kept = check_number("stored_gib", stored_gib, 0)
    reads = check_number("reads_per_month", reads_per_month, 0)
    writes = check_number("writes_per_month", writes_per_month, 0)
    size = check_number("read_bytes", read_bytes, 0)
    found = [_option(each, kept, reads, writes, size) for each in book.storage.values()]
    return sorted(found, key=lambda option: (not option.keeps_up, option.cost_usd_per_month))


def _option(
    each: Storage, kept_gib: float, reads: float, writes: float, size_bytes: float
) -> StorageOption:
    room = float(cost_in_tiers(max(kept_gib, each.minimum_gib), each.tiers))
    use = (
        reads / 1e3 * each.read_usd_per_thousand
        + writes / 1e3 * each.write_usd_per_thousand
        + reads * size_bytes / GIB * each.retrieval_usd_per_gib
    )
    per_s = (reads + writes) / SECONDS_PER_MONTH
    # Objects can be read over any number of connections; a volume's throughput is fixed.
    whole_mib_per_s = np.inf if each.kind == "object" else each.throughput_mib_per_s
    return StorageOption(
        storage=each,
        room_usd_per_month=room,
        use_usd_per_month=use,
        read_s=size_bytes / MIB / each.throughput_mib_per_s + 1.0 / each.operations_per_s,
        keeps_up=bool(
            per_s <= each.operations_per_s and per_s * size_bytes / MIB <= whole_mib_per_s
        ),
    )
