"""Daily copies of the ledger, made with SQLite's own backup."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from deployworkbook.workspace.files import atomic_path, timestamp

# How many copies to keep, and the age of the newest at which to make another.
KEPT = 3
EVERY_S = 24 * 3600.0


def copies_of(ledger: Path) -> list[Path]:
    """Return the copies of a ledger, oldest first."""
    return sorted((ledger.parent / "backups").glob(f"{ledger.stem}-copy-*{ledger.suffix}"))


def copy_if_due(ledger: Path, connection: sqlite3.Connection) -> Path | None:
    """Copy a ledger if the newest copy is a day old and rows were added; return the new copy.

    Args:
        ledger: Path of the ledger.
        connection: Connection to that file, outside a transaction.

    Raises:
        OSError: The copy can't be written.
        sqlite3.Error: The ledger can't be read.
    """
    there = copies_of(ledger)
    if there and time.time() - there[-1].stat().st_mtime < EVERY_S:
        return None
    rows = connection.execute("SELECT count(*) FROM measurements").fetchone()[0]
    if not rows or (there and _count(there[-1]) == rows):
        return None
    target = ledger.parent / "backups" / f"{ledger.stem}-copy-{timestamp()}{ledger.suffix}"
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with atomic_path(target) as temporary:
        create_private(temporary)
        with closing(sqlite3.connect(temporary)) as copy:
            connection.backup(copy)
            # Makes the copy a single file, without a write-ahead log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    for old in copies_of(ledger)[:-KEPT]:
        old.unlink(missing_ok=True)
    return target


def create_private(path: Path) -> None:
    """Create an empty file that only its owner can read, unless it exists."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _count(copy: Path) -> int | None:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            count: int = connection.execute("SELECT count(*) FROM measurements").fetchone()[0]
            return count
    except sqlite3.Error:
        return None
