"""Profiles: from measurements and the ledger's rows, and refused if incomplete."""

from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.from_ledger import measured_in, profile_named
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.outliers import outliers_in
from deployworkbook.costs.estimation.profile import Profile, mean_and_scv
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.machine import Machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement

HERE = Machine("here", "cpu", 2, 8 * 2**30, "Linux")
THERE = Machine("there", "another", 64, 8 * 2**30, "Linux")


def row(variant="int8", runtime="litert", *, machine=HERE, dataset="mnist", **figures):
    given = {
        "size_bytes": 100_000,
        "compressed_bytes": 90_000,
        "correct": 97,
        "examples": 100,
        "latency_p50_ms": 1.0,
        "latency_p99_ms": 2.0,
        "peak_memory_bytes": 200_000_000,
    }
    measurement = Measurement(variant, runtime, "1", dataset, "print", **{**given, **figures})
    return LedgerEntry(1, "2026-11-25T00:00:00+00:00", machine, measurement)


def test_mean_and_variation_equal_those_of_log_normal_times():
    times = np.random.default_rng(0).lognormal(np.log(3.0), 0.5, 400_000)
    p50, p99 = np.quantile(times, [0.5, 0.99])
    mean, scv = mean_and_scv(float(p50), float(p99))
    # 400,000 draws leave about 1 % to chance, through the p99.
    assert mean == pytest.approx(times.mean(), rel=0.01)
    assert scv == pytest.approx(times.var() / times.mean() ** 2, rel=0.03)


def test_a_busy_machines_pauses_still_make_a_profile():
    # Seen in lesson 00: microseconds for most answers, and a p99 of more than 450 medians.
    mean, scv = mean_and_scv(0.004, 2.0)
    assert (mean, scv) == (pytest.approx(0.004 * 1001**0.5), 1000)
    assert Profile("yours", "numpy", mean, scv, 0.9, 1e5, 1e5, 1e8).service_scv == 1000


@pytest.mark.parametrize(("p50", "p99"), [(0, 1), (2, 1), (float("nan"), 1), (1, float("inf"))])
def test_percentiles_must_rise_and_be_finite(p50, p99):
    with pytest.raises(ValueError, match=r"p50_ms|p99_ms"):
        mean_and_scv(p50, p99)


def test_a_row_becomes_a_profile():
    profile = Profile.from_measurement(row().measurement)
    assert (profile.variant, profile.runtime, profile.kind) == ("int8", "litert", "measured")
    assert (profile.model_bytes, profile.download_bytes) == (100_000, 90_000)
    assert profile.accuracy_share == 0.97
    assert profile.service_ms == pytest.approx(mean_and_scv(1.0, 2.0)[0])


def test_without_a_p99_times_do_not_vary():
    profile = Profile.from_measurement(row(latency_p99_ms=None).measurement)
    assert (profile.service_ms, profile.service_scv) == (1.0, 0.0)


@pytest.mark.parametrize("figure", ["latency_p50_ms", "size_bytes", "peak_memory_bytes"])
def test_a_missing_value_is_named(figure):
    with pytest.raises(ValueError, match=f"int8 in litert: {figure}"):
        Profile.from_measurement(row(**{figure: None}).measurement)


def test_the_newest_row_per_variant_and_runtime_counts():
    entries = [row(latency_p50_ms=1.5), row("float32"), row(latency_p50_ms=1.2)]
    found = measured_in(entries)
    assert [profile.name for profile in found.profiles] == ["int8 in litert", "float32 in litert"]
    assert found.profiles[0].service_ms == pytest.approx(mean_and_scv(1.2, 2.0)[0])
    assert (found.dataset, found.left_out) == ("mnist", ())


def test_other_data_sets_and_machines_are_left_out():
    entries = [row("a", dataset="digits"), row("b", machine=THERE), row("c"), row("d")]
    found = measured_in(entries)
    assert [profile.variant for profile in found.profiles] == ["c", "d"]
    assert found.machine == str(HERE)
    digits = measured_in(entries, dataset="digits")
    assert [profile.variant for profile in digits.profiles] == ["a"]
    with pytest.raises(ValueError, match="dataset"):
        measured_in(entries, dataset="cifar")


def test_modelled_rows_do_not_count():
    with pytest.raises(ValueError, match="measured rows"):
        measured_in([row(kind="modelled")])
    with pytest.raises(ValueError, match="Lesson 04"):
        measured_in([])


def test_incomplete_rows_are_left_out_with_a_reason():
    found = measured_in([row("whole"), row("half", peak_memory_bytes=None)])
    assert [profile.variant for profile in found.profiles] == ["whole"]
    assert "half in litert: peak_memory_bytes" in found.left_out[0]


@pytest.mark.parametrize("threads", [None, 1])
def test_an_incomplete_row_does_not_hide_a_complete_one(threads):
    quick = {"peak_memory_bytes": None, "latency_p50_ms": 0.5, "threads": threads}
    found = measured_in([row(latency_p50_ms=1.5), row(**quick)])
    assert found.left_out == ()
    assert [each.service_ms for each in found.profiles] == [pytest.approx(mean_and_scv(1.5, 2)[0])]
    with pytest.raises(ValueError, match="No row of the ledger is complete"):
        measured_in([row(peak_memory_bytes=None)])


def test_a_variant_without_a_runtime_means_its_fastest():
    found = measured_in([row(runtime="keras", latency_p50_ms=1.9), row(runtime="litert")])
    assert profile_named(found, "int8").runtime == "litert"
    assert profile_named(found, "int8", "keras").runtime == "keras"
    with pytest.raises(ValueError, match="'int8'"):
        profile_named(found, "int4")
    with pytest.raises(ValueError, match="'keras', 'litert'"):
        profile_named(found, "int8", "onnx")


def test_rows_of_a_real_ledger_are_read(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add(row().measurement)
    assert measured_in(ledger.entries()).profiles[0].name == "int8 in litert"


def test_rows_on_one_core_are_preferred():
    entries = [row(threads=1, latency_p50_ms=1.5), row(threads=2), row("both", threads=2)]
    found = measured_in(entries)
    by_name = {profile.variant: profile for profile in found.profiles}
    assert by_name["int8"].threads == 1
    assert by_name["int8"].service_ms == pytest.approx(mean_and_scv(1.5, 2.0)[0])
    assert by_name["both"].threads == 2


def test_several_threads_are_listed_as_an_assumption():
    profile = Profile.from_measurement(row(threads=2).measurement)
    said = estimate(Workload(1.0), Deployment(profile)).assumptions
    assert any("up to 2 threads" in each for each in said)
    alone = estimate(Workload(1.0), Deployment(replace(profile, threads=1))).assumptions
    assert not any("threads" in each for each in alone)


def test_a_p99_far_above_that_of_the_other_rows_is_named():
    rows = [row(), row(latency_p99_ms=3.0), row(latency_p99_ms=20.0)]
    [outlier] = outliers_in(rows, measured_in(rows))
    assert (outlier.p99_ms, outlier.usual_p99_ms, outlier.others) == (20.0, 2.5, 2)
    assert "20 ms, 8.0 times that of its 2 other rows (2.5 ms)" in str(outlier)
    [of_two] = outliers_in(rows[1:], measured_in(rows[1:]))
    assert "that of its other row (3 ms)" in str(of_two)


def test_one_row_and_rows_of_other_runtimes_or_threads_make_no_outlier():
    slow = row(latency_p99_ms=20.0)
    for rows in ([slow], [row(runtime="onnx"), slow], [row(threads=4), slow], [row(), row()]):
        assert outliers_in(rows, measured_in(rows)) == []
