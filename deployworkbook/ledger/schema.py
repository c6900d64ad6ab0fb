"""The ledger's schema: the file's mark and the migrations between versions."""

from __future__ import annotations

import sqlite3

# Marks the file as a ledger, in SQLite's header: "dwbk" in ASCII.
APPLICATION_ID = 0x6477626B

# Each entry migrates the schema from one version to the next. Only ever append; never change one.
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
    """
    ALTER TABLE measurements ADD COLUMN service_load_per_s REAL;
    CREATE TABLE service_times (
        measurement INTEGER PRIMARY KEY REFERENCES measurements (id),
        times_ms TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE measurements ADD COLUMN flash_bytes INTEGER;
    ALTER TABLE measurements ADD COLUMN ram_bytes INTEGER;
    ALTER TABLE measurements ADD COLUMN instructions_per_image REAL;
    """,
)

TABLES = frozenset({"machines", "measurements", "throughputs"})

# A larger version number can only be damage.
MAX_VERSION = 1000


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Migrate a ledger, inside a transaction, from a version of the schema to the newest."""
    for migration in MIGRATIONS[version:]:
        for statement in filter(str.strip, migration.split(";")):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
