"""The ledger: every measurement of every lesson, in one SQLite file.

Several notebooks may write at once: SQLite's write-ahead log lets them, one after the other, while
others read. A damaged file is moved aside, never deleted; its readable rows go into a new one, and
what it has lost comes from the copy that is made once a day. The file is its owner's alone to read:
it tells when and on which machine somebody worked.
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
from deployworkbook.workspace.notices import Notice, notify

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# How long a writer waits for the others.
BUSY_TIMEOUT_S = 30.0


class Ledger:
    """The measurements in one SQLite file.

    Args:
        path: The file, made if it is missing; by default the workspace's.
        notice: Told, in a sentence, when a damaged file was moved aside.

    Raises:
        ValueError: The file is another program's database, or a newer workbook's ledger.
        OSError: The file cannot be opened or made.
    """

    def __init__(self, path: Path | None = None, *, notice: Notice = notify) -> None:
        self.path = path or current_workspace().ledger_path
        self._notice = notice
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            try:
                self._open()
            except DATABASE_ERRORS as error:
                if not (is_damage(error) or has_damaged_header(self.path)):
                    raise OSError(
                        f"{self.path} cannot be opened as the ledger ({error}). See that its "
                        "folder is there, can be written, and has room."
                    ) from error
                rescue(self.path, error, notice)
                self._open()
            self._copy_if_due()

    def add(self, measurement: Measurement) -> int:
        """Write a measurement, made now on this machine; return its number."""
        return self.add_all([measurement])[0]

    def add_all(self, measurements: list[Measurement]) -> list[int]:
        """Write several measurements, all or none; return their numbers."""
        machine = this_machine()
        return self._write(lambda connection: _insert_all(connection, machine, measurements))

    def add_once(self, measurement: Measurement, *, machine: Machine | None = None) -> int:
        """Write a measurement unless one is there that was made by the same.

        Two processes that have the same to write, write it once.

        Args:
            measurement: With its ``made_by``.
            machine: Where it was made; by default this one.

        Returns:
            The number of its row, or of the one that was there.

        Raises:
            ValueError: It does not say what it was made by.
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
        """Read all measurements, the oldest first.

        Of forms that share a name but were made differently, the newest keeps it; see
        ``deployworkbook.ledger.measurement.told_apart``.
        """

        def read() -> list[LedgerEntry]:
            with self._connection() as connection:
                try:
                    return read_entries(connection)
                except (TypeError, ValueError, KeyError) as error:
                    raise DamagedLedger(f"a row makes no sense: {error}") from error

        return told_apart(self._despite_damage(read))

    def table(self, *, every: bool = False, details: bool = False) -> pd.DataFrame:
        """Show the measurements as a table, with units in its column names.

        Args:
            every: All rows; by default the newest of each variant, runtime, dataset and machine.
            details: Also when, where and in which lesson each was made, and its note.

        Returns:
            A row a measurement, the oldest first, indexed by its number in the ledger.
        """
        # Here, since pandas takes half a second to import and only a table needs it.
        from deployworkbook.ledger.table import as_table

        return as_table(self.entries(), every=every, details=details)

    def _write(self, write: Callable[[sqlite3.Connection], T]) -> T:
        def in_a_transaction() -> T:
            with self._connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    return write(connection)
                except sqlite3.IntegrityError as error:
                    # A damaged index breaks rules that the row itself keeps.
                    _check(connection, "integrity_check")
                    raise error

        return self._despite_damage(in_a_transaction)

    def _despite_damage(self, work: Callable[[], T]) -> T:
        """Do what can be done again; where the file is damaged, save its rows first."""
        try:
            return work()
        except DATABASE_ERRORS as error:
            if not is_damage(error):
                raise
        with self._alone():
            # Another process may have saved them meanwhile.
            try:
                return work()
            except DATABASE_ERRORS as error:
                if not is_damage(error):
                    raise
                rescue(self.path, error, self._notice)
        return work()

    def _alone(self) -> FileLock:
        """The lock of who opens, saves or copies the file: two must not both move it."""
        return FileLock(self.path.with_name(f".{self.path.name}.lock"), mode=0o600)

    def _copy_if_due(self) -> None:
        try:
            with self._connection() as connection:
                copy_if_due(self.path, connection)
        except (OSError, sqlite3.Error) as error:
            self._notice(f"The ledger {self.path} could not be copied to the backups ({error}).")

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
        """Refuse a file that is not this workbook's to change; return its schema's version."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if tables and application != APPLICATION_ID:
            if tables >= TABLES:
                raise DamagedLedger(f"it is marked as application {application}")
            raise ValueError(
                f"{self.path} is the database of another program. Move it away, or let "
                "DEPLOYWORKBOOK_HOME name another folder."
            )
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if not bool(tables) <= version <= MAX_VERSION:
            raise DamagedLedger(f"it has schema {version}, which no workbook has written")
        if version > len(MIGRATIONS):
            raise ValueError(
                f"{self.path} has schema {version}, from a newer workbook; this one knows up "
                f"to {len(MIGRATIONS)}. Install the newer version, or move the file away."
            )
        return version

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: committed at the end, rolled back on an error."""
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            # What is no UTF-8 is found where rows are read.
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
        # The first line only says which database it is.
        raise DamagedLedger(found.strip().splitlines()[-1])


def _insert_all(
    connection: sqlite3.Connection, machine: Machine, measurements: list[Measurement]
) -> list[int]:
    now, identity = datetime.now(UTC).isoformat(timespec="seconds"), machine.identity
    insert_machine(connection, identity, machine)
    return [insert(connection, row, measured_at=now, machine=identity) for row in measurements]
