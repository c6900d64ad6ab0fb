"""The ledger: all measurements of all lessons, in one SQLite file.

Several notebooks may write at once: thanks to SQLite's write-ahead log, writers take turns while
others read. A damaged file is set aside, never deleted; its readable rows go into a new file, and
lost rows are restored from the daily copy. Only the owner can read the file, since it shows when
and on which machine somebody worked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock

from deployworkbook.ledger.copies import copy_if_due, create_private
from deployworkbook.ledger.machine import Machine, this_machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement, told_apart
from deployworkbook.ledger.rescue import (
    DATABASE_ERRORS,
    DamagedLedger,
    has_damaged_header,
    is_damage,
    rescue,
)
from deployworkbook.ledger.rows import insert, insert_machine, read_entries
from deployworkbook.ledger.schema import APPLICATION_ID, MAX_VERSION, MIGRATIONS, TABLES, migrate
from deployworkbook.validation import value_error
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import notify

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# How long a writer waits for other writers.
BUSY_TIMEOUT_S = 30.0


class Ledger:
    """The measurements in one SQLite file; a warning says so if a damaged one was set aside.

    Args:
        path: The file, created if missing; by default the workspace's ledger.

    Raises:
        ValueError: The file is another program's database, or the ledger of a newer workbook.
        OSError: The file can't be opened or created.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or current_workspace().ledger_path
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            try:
                self._open()
            except DATABASE_ERRORS as error:
                if not (is_damage(error) or has_damaged_header(self.path)):
                    raise OSError(
                        f"{self.path} can't be opened as the ledger ({error}). Check that its "
                        "folder exists, is writable, and has free space."
                    ) from error
                rescue(self.path, error)
                self._open()
            self._copy_if_due()

    def add(self, measurement: Measurement) -> int:
        """Add a measurement made now on this machine; return its row number."""
        return self.add_all([measurement])[0]

    def add_all(self, measurements: list[Measurement]) -> list[int]:
        """Add several measurements, all or none; return their row numbers."""
        machine = this_machine()
        return self._write(lambda connection: _insert_all(connection, machine, measurements))

    def add_once(self, measurement: Measurement, *, machine: Machine | None = None) -> int:
        """Add a measurement unless one with the same ``made_by`` exists.

        Of two processes adding the same measurement, only one writes it.

        Args:
            measurement: The measurement; needs a ``made_by`` hash.
            machine: The machine it was made on; by default this one.

        Returns:
            The number of the new or existing row.

        Raises:
            ValueError: The measurement has no ``made_by``.
        """
        if not measurement.made_by:
            raise value_error("made_by", received="none", expected="a hash")
        where = machine or this_machine()

        def write(connection: sqlite3.Connection) -> int:
            there = connection.execute(
                "SELECT id FROM measurements WHERE made_by = ?", (measurement.made_by,)
            ).fetchone()
            return int(there[0]) if there else _insert_all(connection, where, [measurement])[0]

        return self._write(write)

    def entries(self) -> list[LedgerEntry]:
        """Return all measurements, oldest first.

        If variants made differently share a name, the newest one keeps it; see
        ``deployworkbook.ledger.measurement.told_apart``.
        """

        def read() -> list[LedgerEntry]:
            with self._connection() as connection:
                try:
                    return read_entries(connection)
                except (TypeError, ValueError, KeyError) as error:
                    raise DamagedLedger(f"a row is invalid: {error}") from error

        return told_apart(self._despite_damage(read))

    def table(self, *, every: bool = False, details: bool = False) -> pd.DataFrame:
        """Return the measurements as a table with units in its column names.

        Args:
            every: Whether to include all rows rather than the newest per variant, runtime, data
                set and machine.
            details: Whether to add when, where and in which lesson each was made, and its note.

        Returns:
            One row per measurement, oldest first, indexed by its number in the ledger.
        """
        # Imported here because pandas takes half a second and only a table needs it.
        from deployworkbook.ledger.table import as_table

        return as_table(self.entries(), every=every, details=details)

    def _write(self, write: Callable[[sqlite3.Connection], T]) -> T:
        def in_a_transaction() -> T:
            with self._connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    return write(connection)
                except sqlite3.IntegrityError as error:
                    # The row may be fine and the index damaged.
                    _check(connection, "integrity_check")
                    raise error

        return self._despite_damage(in_a_transaction)

    def _despite_damage(self, work: Callable[[], T]) -> T:
        """Do repeatable work; if the file is damaged, rescue its rows and repeat it."""
        try:
            return work()
        except DATABASE_ERRORS as error:
            if not is_damage(error):
                raise
        with self._alone():
            # Another process may have rescued them in the meantime.
            try:
                return work()
            except DATABASE_ERRORS as error:
                if not is_damage(error):
                    raise
                rescue(self.path, error)
        return work()

    def _alone(self) -> FileLock:
        """Return the lock for opening, rescuing or copying: only one process may move the file."""
        return FileLock(self.path.with_name(f".{self.path.name}.lock"), mode=0o600)

    def _copy_if_due(self) -> None:
        try:
            with self._connection() as connection:
                copy_if_due(self.path, connection)
        except (OSError, sqlite3.Error) as error:
            notify(f"The ledger {self.path} couldn't be copied to the backups ({error}).")

    def _open(self) -> None:
        if not self.path.exists():
            create_private(self.path)
        with self._connection() as connection:
            self._check_owner(connection)
            _check(connection, "quick_check")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            migrate(connection, self._check_owner(connection))

    def _check_owner(self, connection: sqlite3.Connection) -> int:
        """Refuse a file of another program or a newer workbook; return its schema version."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if tables and application != APPLICATION_ID:
            if tables >= TABLES:
                raise DamagedLedger(f"it is marked as application {application}")
            raise ValueError(
                f"{self.path} is the database of another program. Move it away, or set "
                "DEPLOYWORKBOOK_HOME to another folder."
            )
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if not bool(tables) <= version <= MAX_VERSION:
            raise DamagedLedger(f"schema {version} doesn't exist")
        if version > len(MIGRATIONS):
            raise ValueError(
                f"{self.path} has schema {version}, from a newer workbook; this one supports up "
                f"to {len(MIGRATIONS)}. Install the newer version, or move the file away."
            )
        return version

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; commit at the end, roll back on an error."""
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            # Invalid UTF-8 is detected later, when rows are read.
            connection.text_factory = lambda content: content.decode(errors="replace")
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
            if connection.in_transaction:
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()


def _check(connection: sqlite3.Connection, pragma: str) -> None:
    found = connection.execute(f"PRAGMA {pragma}(1)").fetchone()[0]
    if found != "ok":
        # The first line only names the database.
        raise DamagedLedger(found.strip().splitlines()[-1])


def _insert_all(
    connection: sqlite3.Connection, machine: Machine, measurements: list[Measurement]
) -> list[int]:
    now, identity = datetime.now(UTC).isoformat(timespec="seconds"), machine.identity
    insert_machine(connection, identity, machine)
    return [insert(connection, row, measured_at=now, machine=identity) for row in measurements]
