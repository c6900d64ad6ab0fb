"""What other processes do to a ledger; here, so that they import no more than the ledger does."""

import signal
import sqlite3

from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.measurement import Measurement

ROWS = 25


def write_rows(path, writer):
    for row in range(ROWS):
        Ledger(path).add(Measurement(f"w{writer}-{row}", "r", "1", "d", "f"))


def write_half(path, started):
    """Start a transaction that will be killed in the middle."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM measurements")
    started.set()
    signal.pause()


def write_the_same(path):
    for row in range(ROWS):
        Ledger(path).add_once(Measurement("w", "r", "1", "d", "f", made_by=f"{row}"))
