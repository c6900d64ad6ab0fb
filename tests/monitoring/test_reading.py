"""Panels from our own readings agree with what is known, and with PromQL's text."""

import math

import pytest

from deployworkbook.monitoring.exposition import History, Reader, Reading, parse
from deployworkbook.monitoring.panels import MODEL_PANELS, SERVER_PANELS, legend
from deployworkbook.monitoring.queries import (
    Events,
    FailedShare,
    Quantile,
    Rate,
    Value,
    quantile_of,
)


def history(*readings):
    kept = History()
    for at_s, text in readings:
        kept.add(Reading(at_s, parse(text)))
    return kept


def test_names_stay_as_they_are_written():
    text = '# TYPE :a:count counter\n:a:count{m="x"} 2\n# TYPE b_total counter\nb_total 3\n'
    assert parse(text) == {(":a:count", (("m", "x"),)): 2, ("b_total", ()): 3}


def test_a_counter_that_appears_with_one_has_counted_one():
    kept = history((0, 'ok{m="a"} 5'), (1, 'ok{m="a"} 7\nbad{m="a"} 1'), (2, 'bad{m="a"} 1'))
    assert Events("bad", ("m",), "1m").evaluate(kept) == {(("m", "a"),): 1}
    assert Events("ok", (), "1m").evaluate(kept) == {(): 2}


def test_a_counter_that_falls_starts_again():
    kept = history((0, "ok 100"), (10, "ok 110"), (20, "ok 4"), (30, "ok 6"))
    assert Events("ok", (), "1m").evaluate(kept) == {(): 16}
    assert Rate("ok", (), "1m").evaluate(kept) == {(): pytest.approx(16 / 30)}


def test_only_the_window_counts():
    kept = history(*((at, f"ok {at * 2}") for at in range(0, 301, 10)))
    assert Events("ok", (), "1m").evaluate(kept) == {(): 120}
    assert len(kept.within(60)) == 7


def test_old_readings_are_dropped():
    kept = History(keep_s=60)
    for at_s in range(0, 1000, 10):
        kept.add(Reading(at_s, {}))
    assert len(kept) <= 8


def test_a_window_that_starts_after_the_first_reading_forgets_what_was_before():
    kept = history((0, "ok 0"), (50, "ok 50"), (100, "ok 60\nbad 3"), (150, "ok 70\nbad 4"))
    assert Events("ok", (), "1m").evaluate(kept) == {(): 20}
    assert Events("bad", (), "1m").evaluate(kept) == {(): 4}
    assert Events("bad", (), "30s").evaluate(kept) == {(): 1}


def test_one_reading_counts_since_the_servers_start():
    kept = history((5, 'r{s="OK"} 3\nr{s="INTERNAL"} 1'))
    assert FailedShare("r", "s", ("OK",)).evaluate(kept) == {(): 0.25}
    assert Rate("r", ("s",)).evaluate(kept) == {}
    assert FailedShare("nothing", "s", ("OK",)).evaluate(kept) == {}


def test_a_quantile_is_that_of_prometheus():
    assert quantile_of(0.9, {1.0: 50, 2.0: 90, 4.0: 100, math.inf: 100}) == 2.0
    assert quantile_of(0.95, {1.0: 50, 2.0: 90, 4.0: 100, math.inf: 100}) == 3.0
    assert quantile_of(0.99, {1.0: 50, math.inf: 100}) == 1.0
    assert math.isnan(quantile_of(0.5, {1.0: 0, math.inf: 0}))
    buckets = "\n".join(
        f'h_bucket{{v="1",le="{le}"}} {n}' for le, n in (("1", 0), ("2", 10), ("+Inf", 10))
    )
    assert Quantile(0.5, "h", ("v",), 1e3).evaluate(history((0, buckets))) == {(("v", "1"),): 1500}


def test_a_gauge_is_the_newest_value():
    kept = history((0, 'g{d="a"} 1'), (1, 'g{d="a"} 2\ng{d="b"} 3'))
    assert Value("g", ("d",)).evaluate(kept) == {(("d", "a"),): 2, (("d", "b"),): 3}


def test_legends_name_labels_that_their_queries_keep():
    for panel in (*SERVER_PANELS, *MODEL_PANELS):
        for text, query in panel.queries.items():
            labels = tuple((name, "x") for name in getattr(query, "by", ()))
            assert "{{" not in (filled := legend(text, labels))
            assert text.count("{{") == filled.count("x") - text.replace("{{", "").count("xx")


def test_an_address_without_metrics_is_reported():
    reader = Reader("http://127.0.0.1:1/metrics")
    assert not reader.read()
    assert "127.0.0.1:1" in reader.error
    assert len(reader.history) == 0
