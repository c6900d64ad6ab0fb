"""Rows of a server: their service times reach the profile, and the SavedModel takes them."""

import pytest

from deployworkbook.costs.estimation.from_ledger import measured_in
from deployworkbook.ledger.machine import this_machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement

TIMES_MS = (0.6,) * 980 + (3.0,) * 20


def entries(*rows):
    return [
        LedgerEntry(number, "2026-01-01T00:00:00+00:00", this_machine(), row)
        for number, row in enumerate(rows, 1)
    ]


def row(variant, runtime, **more):
    figures = {"size_bytes": 4000, "correct": 977, "examples": 1000, "latency_p50_ms": 0.2}
    return Measurement(variant, runtime, "1", "mnist", "print", **figures | more)


BARE = row("float32", "savedmodel", latency_p99_ms=0.3, peak_memory_bytes=600_000_000)
SERVED = row(
    "float32", "serving-embedded", latency_p99_ms=2.0,
    service_load_per_s=450.0, service_times_ms=TIMES_MS,
)  # fmt: skip


def test_a_saved_model_takes_the_times_of_the_server_and_its_own_memory():
    for rows in ((BARE, SERVED), (SERVED, BARE)):
        (profile,) = measured_in(entries(*rows)).profiles
        assert (profile.name, profile.served) == ("float32 in savedmodel", True)
        assert (profile.server, profile.service_load_per_s) == ("serving-embedded", 450.0)
        assert profile.service_ms == pytest.approx(0.98 * 0.6 + 0.02 * 3.0)
        assert profile.service_times_ms == TIMES_MS
        assert profile.memory_bytes == 600e6


def test_a_server_s_row_without_service_times_gives_way_to_one_with_them():
    without = row("float32", "serving-embedded", latency_p99_ms=0.4, peak_memory_bytes=1)
    (profile,) = measured_in(entries(BARE, SERVED, without)).profiles
    assert profile.service_times_ms == TIMES_MS


def test_a_served_form_whose_memory_nobody_knows_is_left_out_by_name():
    measured = measured_in(entries(BARE, row("crude", "serving-embedded")))
    (reason,) = measured.left_out
    assert "crude in serving-embedded: peak_memory_bytes" in reason
