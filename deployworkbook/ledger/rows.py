"""Convert rows of the ledger's tables to entries and back; detect damaged rows."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from datetime import datetime
from typing import Any

from deployworkbook.ledger.machine import Machine, this_machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement
from deployworkbook.ledger.pages import Value, records
from deployworkbook.validation import (
    check_integer,
    check_number,
    describe,
    type_error,
    value_error,
)

# The columns of a measurement, in the table's order; later versions of the schema appended some.
COLUMNS = (
    *("id", "measured_at", "machine", "lesson", "variant", "runtime", "runtime_version"),
    *("dataset", "dataset_fingerprint", "kind", "size_bytes", "compressed_bytes", "correct"),
    *("examples", "latency_p50_ms", "latency_p99_ms", "peak_memory_bytes", "note"),
    *("made_by", "threads", "load_ms", "ready_ms", "service_load_per_s"),
    *("flash_bytes", "ram_bytes", "instructions_per_image"),
)
COLUMNS_OF_VERSIONS = (18, 19, 22, 23, 26)
_OWN_TABLES = {"throughput_per_s", "service_times_ms"}
MEASURED = tuple(f.name for f in fields(Measurement) if f.name not in _OWN_TABLES)
MACHINE_COLUMNS, RATE_COLUMNS, TIMES_COLUMNS = 6, 3, 2

# A lower bound: time, machine and fingerprint alone take more.
LEAST_ROW_BYTES = 40

# Stands for a machine whose record is lost; its measurements are kept.
UNKNOWN = "unknown: its record was damaged"


@dataclass
class Rows:
    """The readable rows of a ledger.

    Args:
        entries: Measurements by row number.
        identities: Identity of each measurement's machine, by row number.
        highest: The highest row number seen, readable or not.
    """

    entries: dict[int, LedgerEntry] = field(default_factory=dict)
    identities: dict[int, str] = field(default_factory=dict)
    highest: int = 0


def machine_of(values: Sequence[Value]) -> Machine:
    """Convert a row to a machine.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A number is out of range.
    """
    identity, name, processor, cores, memory, system = values
    text_of("machine", identity)
    return Machine(
        text_of("machine", name),
        text_of("machine", processor),
        check_integer("cores", cores, 1),
        check_integer("memory_bytes", memory, 0),
        text_of("machine", system),
    )


def text_of(name: str, value: object) -> str:
    """Return ``value`` if it is text.

    Raises:
        TypeError: It is not text.
    """
    if not isinstance(value, str):
        raise type_error(name, received=describe(value), expected="text")
    return value


def entry_of(
    row: Mapping[str, Value],
    machines: Mapping[str, Machine],
    rates: Mapping[int, float],
    times_ms: Sequence[float] = (),
) -> LedgerEntry:
    """Convert a row to a ledger entry.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.
        KeyError: The machine is unknown.
    """
    text_of("measured_at", row["measured_at"])
    datetime.fromisoformat(str(row["measured_at"]))
    # Measurement checks the values' types.
    values: dict[str, Any] = {name: row[name] for name in MEASURED}
    measured = Measurement(**values, throughput_per_s=rates, service_times_ms=tuple(times_ms))
    number = check_integer("id", row["id"], 1)
    return LedgerEntry(number, str(row["measured_at"]), machines[str(row["machine"])], measured)


def times_of(text: Value) -> tuple[float, ...]:
    """Convert a JSON list to service times.

    Raises:
        TypeError: It is not text.
        ValueError: It is not a list of numbers.
    """
    times = json.loads(text_of("times_ms", text))
    if not isinstance(times, list):
        raise value_error("times_ms", received=describe(times), expected="a list")
    return tuple(check_number("times_ms", each, 0, open_low=True) for each in times)


def readable_rows(content: bytes, log: bytes = b"") -> Rows:
    """Return all intact and valid rows of a damaged ledger.

    Args:
        content: Content of the file.
        log: Content of its write-ahead log.
    """
    found, machines = Rows(), dict[str, Machine]()
    rates: dict[int, dict[int, float]] = {}
    times: dict[int, tuple[float, ...]] = {}
    measured: dict[int, list[Value]] = {}
    misnumbered: list[list[Value]] = []
    # Rows are numbered without gaps, so a number too large for the file's size is damaged.
    most = (len(content) + len(log)) // LEAST_ROW_BYTES
    for number, values in records(content, log):
        try:
            if len(values) == MACHINE_COLUMNS:
                machines[text_of("identity", values[0])] = machine_of(values)
            elif len(values) == RATE_COLUMNS:
                row, size, rate = values
                check_integer("batch size", size, 1)
                check_integer("measurement", row, 1)
                rates.setdefault(row, {})[size] = check_number("rate", rate, 0)  # type: ignore[index, arg-type]
            elif len(values) == TIMES_COLUMNS:
                times[number] = times_of(values[1])
            elif len(values) in COLUMNS_OF_VERSIONS:
                possible = 0 < number <= most
                if not possible or measured.setdefault(number, values) != values:
                    misnumbered.append(values)
        except (TypeError, ValueError):
            continue
    # SQLite stores the row number outside the record, so it may be damaged while the record isn't.
    free = itertools.count(max([*measured, 0]) + 1)
    numbered = [*sorted(measured.items()), *zip(free, misnumbered, strict=False)]
    for number, values in numbered:
        defaults: dict[str, Value] = dict.fromkeys(COLUMNS) | {"made_by": ""}
        row_ = defaults | dict(zip(COLUMNS, values, strict=False)) | {"id": number}
        identity = row_["machine"]
        try:
            machine = {text_of("machine", identity): _machine(machines, str(identity))}
            load = row_["service_load_per_s"]
            served = times.get(number, ()) if load is not None else ()
            found.entries[number] = entry_of(row_, machine, rates.get(number, {}), served)
        except (TypeError, ValueError):
            continue
        found.identities[number] = str(identity)
    found.highest = max([number for number, _ in numbered], default=0)
    return found


def _machine(machines: Mapping[str, Machine], identity: str) -> Machine:
    if identity in machines:
        return machines[identity]
    here = this_machine()
    return here if here.identity == identity else Machine(UNKNOWN, UNKNOWN, 1, 0, UNKNOWN)


def read_entries(connection: sqlite3.Connection) -> list[LedgerEntry]:
    """Read all measurements from an open ledger, oldest first.

    Raises:
        sqlite3.Error: SQLite can't read them.
        TypeError: A value has the wrong type.
        ValueError: A value is out of range or not valid UTF-8.
        KeyError: A row's machine is missing.
    """
    # By default, invalid UTF-8 raises an error that looks like any other.
    connection.text_factory = lambda content: content.decode()
    connection.row_factory = sqlite3.Row
    connection.execute("BEGIN")  # so that all three reads see the same state
    machines = {
        row["identity"]: machine_of(tuple(row))
        for row in connection.execute("SELECT * FROM machines")
    }
    rates: dict[int, dict[int, float]] = {}
    for number, size, rate in connection.execute(
        "SELECT measurement, batch_size, images_per_s FROM throughputs ORDER BY batch_size"
    ):
        rates.setdefault(number, {})[size] = rate
    times = {
        number: times_of(text)
        for number, text in connection.execute("SELECT measurement, times_ms FROM service_times")
    }
    rows = connection.execute("SELECT * FROM measurements ORDER BY id")
    return [
        entry_of(dict(row), machines, rates.get(row["id"], {}), times.get(row["id"], ()))
        for row in rows
    ]


def insert_machine(connection: sqlite3.Connection, identity: str, machine: Machine) -> None:
    """Insert a machine unless it exists."""
    connection.execute(
        "INSERT OR IGNORE INTO machines VALUES (?, ?, ?, ?, ?, ?)", (identity, *astuple(machine))
    )


def insert(
    connection: sqlite3.Connection,
    measurement: Measurement,
    *,
    measured_at: str,
    machine: str,
    number: int | None = None,
) -> int:
    """Insert a measurement with throughputs and service times; return its row number.

    Args:
        connection: Connection inside a transaction.
        measurement: The measurement.
        measured_at: UTC time, as ISO 8601.
        machine: Identity of the machine.
        number: Row number; by default the next one.
    """
    values = {name: getattr(measurement, name) for name in MEASURED}
    row = {"id": number, "measured_at": measured_at, "machine": machine} | values
    cursor = connection.execute(
        f"INSERT INTO measurements ({', '.join(row)}) "  # noqa: S608 (names are the class's)
        f"VALUES ({', '.join('?' * len(row))})",
        tuple(row.values()),
    )
    made = cursor.lastrowid
    if made is None:
        raise RuntimeError("SQLite returned no number for the new row.")
    connection.executemany(
        "INSERT INTO throughputs VALUES (?, ?, ?)",
        [(made, size, rate) for size, rate in measurement.throughput_per_s.items()],
    )
    if measurement.service_times_ms:
        connection.execute(
            "INSERT INTO service_times VALUES (?, ?)",
            (made, json.dumps(list(measurement.service_times_ms))),
        )
    return made
