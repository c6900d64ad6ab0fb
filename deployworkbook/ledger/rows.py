"""The ledger's tables, and how a row of them becomes an entry, or is found to be damaged."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from datetime import datetime
from typing import Any

from deployworkbook.ledger.machine import Machine, this_machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement
from deployworkbook.ledger.pages import Value, records
from deployworkbook.validation import check_integer, check_number, describe, type_error

# The columns of a measurement, in the table's order; later versions of the schema added the last.
COLUMNS = (
    *("id", "measured_at", "machine", "lesson", "variant", "runtime", "runtime_version"),
    *("dataset", "dataset_fingerprint", "kind", "size_bytes", "compressed_bytes", "correct"),
    *("examples", "latency_p50_ms", "latency_p99_ms", "peak_memory_bytes", "note"),
    *("made_by", "threads", "load_ms", "ready_ms"),
)
COLUMNS_BEFORE = (18, 19, 22)
MEASURED = tuple(f.name for f in fields(Measurement) if f.name != "throughput_per_s")
MACHINE_COLUMNS, RATE_COLUMNS = 6, 3

# Time, machine and fingerprint alone take more.
LEAST_ROW_BYTES = 40

# Whose record of a machine is lost; its rows are kept.
UNKNOWN = "unknown: its record was damaged"


@dataclass
class Rows:
    """What could be read of a ledger.

    Args:
        machines: By their identity.
        entries: The measurements, by their number.
        identities: The machine's identity of each measurement.
        highest: The highest number of a measurement that was seen at all.
    """

    machines: dict[str, Machine] = field(default_factory=dict)
    entries: dict[int, LedgerEntry] = field(default_factory=dict)
    identities: dict[int, str] = field(default_factory=dict)
    highest: int = 0


def machine_of(values: Sequence[Value]) -> Machine:
    """Read a machine from its row.

    Raises:
        TypeError: A value is of another type.
        ValueError: A number is out of range, or the identity is not a hash.
    """
    identity, name, processor, cores, memory, system = values
    for text in (identity, name, processor, system):
        text_of("machine", text)
    return Machine(
        str(name),
        str(processor),
        check_integer("cores", cores, 1),
        check_integer("memory_bytes", memory, 0),
        str(system),
    )


def text_of(name: str, value: object) -> str:
    """Check that a value is text.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, str):
        raise type_error(name, received=describe(value), expected="text")
    return value


def entry_of(
    row: Mapping[str, Value], machines: Mapping[str, Machine], rates: Mapping[int, float]
) -> LedgerEntry:
    """Read a measurement from its row.

    Raises:
        TypeError: A value is of another type.
        ValueError: A value is out of range.
        KeyError: There is no such machine.
    """
    text_of("measured_at", row["measured_at"])
    datetime.fromisoformat(str(row["measured_at"]))
    # Measurement checks what each of them is.
    values: dict[str, Any] = {name: row[name] for name in MEASURED}
    measured = Measurement(**values, throughput_per_s=rates)
    number = check_integer("id", row["id"], 1)
    return LedgerEntry(number, str(row["measured_at"]), machines[str(row["machine"])], measured)


def readable_rows(content: bytes, log: bytes = b"") -> Rows:
    """Read all rows of a damaged ledger that are whole and make sense.

    Args:
        content: The file.
        log: Its write-ahead log.
    """
    found = Rows()
    rates: dict[int, dict[int, float]] = {}
    measured: dict[int, list[Value]] = {}
    misnumbered: list[list[Value]] = []
    # Rows are numbered without gaps, so a number that the file has no room for is damaged.
    most = (len(content) + len(log)) // LEAST_ROW_BYTES
    for number, values in records(content, log):
        try:
            if len(values) == MACHINE_COLUMNS:
                found.machines[text_of("identity", values[0])] = machine_of(values)
            elif len(values) == RATE_COLUMNS:
                row, size, rate = values
                check_integer("batch size", size, 1)
                check_integer("measurement", row, 1)
                rates.setdefault(row, {})[size] = check_number("rate", rate, 0)  # type: ignore[index, arg-type]
            elif len(values) in COLUMNS_BEFORE:
                possible = 0 < number <= most
                if not possible or measured.setdefault(number, values) != values:
                    misnumbered.append(values)
        except (TypeError, ValueError):
            continue
    # SQLite stores the number apart from its record, so one can be damaged without the other.
    free = itertools.count(max([*measured, 0]) + 1)
    numbered = [*sorted(measured.items()), *zip(free, misnumbered, strict=False)]
    for number, values in numbered:
        defaults: dict[str, Value] = dict.fromkeys(COLUMNS) | {"made_by": ""}
        row_ = defaults | dict(zip(COLUMNS, values, strict=False)) | {"id": number}
        identity = row_["machine"]
        try:
            machines = {text_of("machine", identity): _machine(found.machines, str(identity))}
            found.entries[number] = entry_of(row_, machines, rates.get(number, {}))
        except (TypeError, ValueError):
            continue
        found.machines |= machines
        found.identities[number] = str(identity)
    found.highest = max([number for number, _ in numbered], default=0)
    return found


def _machine(machines: Mapping[str, Machine], identity: str) -> Machine:
    if identity in machines:
        return machines[identity]
    here = this_machine()
    return here if here.identity == identity else Machine(UNKNOWN, UNKNOWN, 1, 0, UNKNOWN)


def read_entries(connection: sqlite3.Connection) -> list[LedgerEntry]:
    """Read all measurements from an open ledger, the oldest first.

    Raises:
        sqlite3.Error: SQLite cannot read them.
        TypeError: A value is of another type.
        ValueError: A value is out of range, or no UTF-8.
        KeyError: A row's machine is missing.
    """
    # By default text that is no UTF-8 ends in an error that cannot be told from others.
    connection.text_factory = lambda content: content.decode()
    connection.row_factory = sqlite3.Row
    connection.execute("BEGIN")  # one state of the file for all three reads
    machines = {
        row["identity"]: machine_of(tuple(row))
        for row in connection.execute("SELECT * FROM machines")
    }
    rates: dict[int, dict[int, float]] = {}
    for number, size, rate in connection.execute(
        "SELECT measurement, batch_size, images_per_s FROM throughputs ORDER BY batch_size"
    ):
        rates.setdefault(number, {})[size] = rate
    rows = connection.execute("SELECT * FROM measurements ORDER BY id")
    return [entry_of(dict(row), machines, rates.get(row["id"], {})) for row in rows]


def insert_machine(connection: sqlite3.Connection, identity: str, machine: Machine) -> None:
    """Write a machine unless it is there."""
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
    """Write a measurement with its throughputs; return its number.

    Args:
        connection: In a transaction.
        measurement: What.
        measured_at: When, in UTC, as ISO 8601.
        machine: The identity of where.
        number: Its number; by default the next.
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
        raise RuntimeError("SQLite gave the new row no number.")
    connection.executemany(
        "INSERT INTO throughputs VALUES (?, ?, ?)",
        [(made, size, rate) for size, rate in measurement.throughput_per_s.items()],
    )
    return made
