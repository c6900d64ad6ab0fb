"""The ledger: every measurement of every lesson, in one SQLite file.

Several notebooks may write at once: SQLite's write-ahead log lets them, one after the other, while
others read. A damaged file is moved aside, never deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from deployworkbook.machine import Machine, this_machine
from deployworkbook.measurement import Entry, Measurement, told_apart
from deployworkbook.validation import message
from deployworkbook.workspace import current_workspace, set_aside

if TYPE_CHECKING:
    import pandas as pd

# Marks the file as a ledger, in SQLite's header: "dwbk" in ASCII.
APPLICATION_ID = 0x6477626B

# Each entry brings the schema from one version to the next; none is ever changed, only added.
MIGRATIONS = (
    """
    CREATE TABLE machines (
        identity TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        processor TEXT NOT NULL,
        cores INTEGER NOT NULL,
        memory_bytes INTEGER NOT NULL,
        system TEXT NOT NULL
    );
    CREATE TABLE measurements (
        id INTEGER PRIMARY KEY,
        measured_at TEXT NOT NULL,
        machine TEXT NOT NULL REFERENCES machines (identity),
        lesson TEXT NOT NULL,
        variant TEXT NOT NULL,
        runtime TEXT NOT NULL,
        runtime_version TEXT NOT NULL,
        dataset TEXT NOT NULL,
        dataset_fingerprint TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('measured', 'modelled')),
        size_bytes INTEGER,
        compressed_bytes INTEGER,
        correct INTEGER,
        examples INTEGER,
        latency_p50_ms REAL,
        latency_p99_ms REAL,
        peak_memory_bytes INTEGER,
        note TEXT NOT NULL
    );
    CREATE TABLE throughputs (
        measurement INTEGER NOT NULL REFERENCES measurements (id),
        batch_size INTEGER NOT NULL,
        images_per_s REAL NOT NULL,
        PRIMARY KEY (measurement, batch_size)
    );
    """,
    """
    ALTER TABLE measurements ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
    CREATE INDEX measurements_made_by ON measurements (made_by);
    """,
    """
    ALTER TABLE measurements ADD COLUMN threads INTEGER;
    ALTER TABLE measurements ADD COLUMN load_ms REAL;
    ALTER TABLE measurements ADD COLUMN ready_ms REAL;
    """,
)

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

    def __init__(self, path: Path | None = None, *, notice: Callable[[str], None] = print) -> None:
        self.path = path or current_workspace().ledger_path
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes that find the file damaged must not both move it.
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise OSError(
                        f"{self.path} cannot be opened as the ledger ({error}). See that its "
                        "folder is there, can be written, and has room."
                    ) from error
                aside = set_aside(self.path)
                for suffix in ("-wal", "-shm"):
                    journal = self.path.with_name(self.path.name + suffix)
                    if journal.exists():
                        journal.rename(aside.with_name(aside.name + suffix))
                notice(
                    f"The ledger {self.path} is damaged ({error}). It was moved to {aside.name}, "
                    "and a new one begun."
                )
                self._open()

    def add(self, measurement: Measurement) -> int:
        """Write a measurement, made now on this machine; return its number."""
        return self.add_all([measurement])[0]

    def add_all(self, measurements: list[Measurement]) -> list[int]:
        """Write several measurements, all or none; return their numbers."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            return self._insert_all(connection, this_machine(), measurements)

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
            raise ValueError(message("made_by", received="none", expected="a hash"))
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            there = connection.execute(
                "SELECT id FROM measurements WHERE made_by = ?", (measurement.made_by,)
            ).fetchone()
            if there:
                return int(there[0])
            return self._insert_all(connection, machine or this_machine(), [measurement])[0]

    @classmethod
    def _insert_all(
        cls, connection: sqlite3.Connection, machine: Machine, measurements: list[Measurement]
    ) -> list[int]:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute(
            "INSERT OR IGNORE INTO machines VALUES (?, ?, ?, ?, ?, ?)",
            (machine.identity, *astuple(machine)),
        )
        return [cls._insert(connection, now, machine, row) for row in measurements]

    @staticmethod
    def _insert(
        connection: sqlite3.Connection, now: str, machine: Machine, measurement: Measurement
    ) -> int:
        values = {name: getattr(measurement, name) for name in _COLUMNS}
        row = {"measured_at": now, "machine": machine.identity} | values
        cursor = connection.execute(
            f"INSERT INTO measurements ({', '.join(row)}) "  # noqa: S608 (names are the class's)
            f"VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )
        number = cursor.lastrowid
        if number is None:
            raise RuntimeError("SQLite gave the new row no number.")
        connection.executemany(
            "INSERT INTO throughputs VALUES (?, ?, ?)",
            [(number, size, rate) for size, rate in measurement.throughput_per_s.items()],
        )
        return number

    def entries(self) -> list[Entry]:
        """Read all measurements, the oldest first.

        Of forms that share a name but were made differently, the newest keeps it; see
        :func:`~deployworkbook.measurement.told_apart`.
        """
        with self._connection() as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")  # one state of the file for all three reads
            machines = {
                row["identity"]: Machine(*tuple(row)[1:])
                for row in connection.execute("SELECT * FROM machines")
            }
            rates: dict[int, dict[int, float]] = {}
            for number, size, rate in connection.execute(
                "SELECT measurement, batch_size, images_per_s FROM throughputs ORDER BY batch_size"
            ):
                rates.setdefault(number, {})[size] = rate
            entries = [
                Entry(
                    row["id"],
                    row["measured_at"],
                    machines[row["machine"]],
                    Measurement(
                        **{name: row[name] for name in _COLUMNS},
                        throughput_per_s=rates.get(row["id"], {}),
                    ),
                )
                for row in connection.execute("SELECT * FROM measurements ORDER BY id")
            ]
        return told_apart(entries)

    def table(self, *, every: bool = False, details: bool = False) -> pd.DataFrame:
        """Show the measurements as a table, with units in its column names.

        Args:
            every: All rows; by default the newest of each variant, runtime, dataset and machine.
            details: Also when, where and in which lesson each was made, and its note.

        Returns:
            A row a measurement, the oldest first, indexed by its number in the ledger.
        """
        # Here, since pandas takes half a second to import and only a table needs it.
        from deployworkbook.ledger_table import as_table

        return as_table(self.entries(), every=every, details=details)

    def _open(self) -> None:
        with self._connection() as connection:
            self._check_owner(connection)
            damage = connection.execute("PRAGMA quick_check").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            version = self._check_owner(connection)
            for migration in MIGRATIONS[version:]:
                for statement in filter(str.strip, migration.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _check_owner(self, connection: sqlite3.Connection) -> int:
        """Refuse a file that is not this workbook's to change; return its schema's version."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != APPLICATION_ID:
            raise ValueError(
                f"{self.path} is the database of another program. Move it away, or let "
                "DEPLOYWORKBOOK_HOME name another folder."
            )
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
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


_COLUMNS = tuple(f.name for f in fields(Measurement) if f.name != "throughput_per_s")
