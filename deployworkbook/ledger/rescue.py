"""Tell a damaged ledger from other errors, and rescue its readable rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from deployworkbook.ledger.copies import copies_of, create_private
from deployworkbook.ledger.rows import Rows, insert, insert_machine, readable_rows
from deployworkbook.ledger.schema import migrate
from deployworkbook.workspace.files import atomic_path, set_aside
from deployworkbook.workspace.notices import notify

# SQLite's codes for damaged content, as opposed to a full disk or a lock.
DAMAGE_CODES = {
    sqlite3.SQLITE_ERROR,  # a table or column is missing
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
}
SUFFIXES = ("-wal", "-shm")


class DamagedLedger(Exception):  # noqa: N818 (never seen by a caller)
    """The ledger's content is not what a workbook wrote."""


# UnicodeDecodeError, because SQLite's message may quote a name that is not valid UTF-8.
DATABASE_ERRORS = (sqlite3.Error, DamagedLedger, UnicodeDecodeError)


def is_damage(error: BaseException) -> bool:
    """Return whether an error means a damaged file rather than a lock or a full disk."""
    if isinstance(error, DamagedLedger | UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return False
    return code & 0xFF in DAMAGE_CODES or code == sqlite3.SQLITE_IOERR_SHORT_READ


def has_damaged_header(path: Path) -> bool:
    """Return whether the header names an unknown write format, which SQLite opens read-only."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        ways = file.read(20)[18:]
    return any(way not in (1, 2) for way in ways)


def rescue(path: Path, reason: object) -> None:
    """Replace a damaged ledger by a new one with all readable rows; set the damaged one aside.

    The caller must hold the ledger's lock. Lost rows are restored from the daily copies. A warning
    says how many rows were rescued and where the damaged file is.

    Args:
        path: Path of the damaged ledger.
        reason: What is wrong with it.

    Raises:
        OSError: The folder is not writable, or the file can't be read.
    """
    found = _read(path)
    own = len(found.entries)
    for copy in reversed(copies_of(path)):
        _add_missing(found, _read(copy))
    total = max(found.highest, len(found.entries))
    with atomic_path(path) as new:
        _write(new, found)
        aside = set_aside(path)
        for suffix in SUFFIXES:
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + suffix))
    more = len(found.entries) - own
    copied = f", {more} of them from a copy" if more else ""
    notify(
        f"The ledger {path} is damaged ({reason}). {len(found.entries)} of {total} rows were saved"
        f"{copied}. The damaged file was moved to {aside.name}."
    )


def _read(path: Path) -> Rows:
    log = path.with_name(path.name + "-wal")
    return readable_rows(path.read_bytes(), log.read_bytes() if log.exists() else b"")


def _add_missing(found: Rows, other: Rows) -> None:
    found.highest = max(found.highest, other.highest)
    for number, entry in other.entries.items():
        if number not in found.entries:
            found.entries[number], found.identities[number] = entry, other.identities[number]


def _write(path: Path, rows: Rows) -> None:
    create_private(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        migrate(connection, 0)
        for number, entry in sorted(rows.entries.items()):
            identity, when = rows.identities[number], entry.measured_at
            insert_machine(connection, identity, entry.machine)
            row = entry.measurement
            insert(connection, row, measured_at=when, machine=identity, number=number)
        connection.execute("COMMIT")
