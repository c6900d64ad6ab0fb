"""Pictures of loads, from results that were made up."""

import numpy as np

from deployworkbook.plots.load import load_over_time, throughput_latency_curves
from deployworkbook.serving.load.result import NOT_SENT, LoadResult

OK, UNAVAILABLE = 0, 14


def result(rate, latency_ms, *, count=100, codes=None, versions=None):
    intended = np.arange(count) / rate
    return LoadResult(
        offered_per_s=rate,
        clients=None,
        started_at=0.0,
        intended_s=intended,
        sent_s=intended,
        done_s=intended + latency_ms / 1000,
        codes=np.array(codes if codes is not None else [OK] * count),
        versions=np.array(versions if versions is not None else [1] * count),
    )


def test_curves_of_median_and_99th_percentile():
    held, lost = result(100, 2.0), result(200, 8.0, codes=[OK] * 99 + [UNAVAILABLE])
    picture = throughput_latency_curves({"batched": [held, lost], "single": [held]})
    (axes,) = picture.axes
    assert [line.get_label() for line in axes.lines] == [
        "batched, p99", "batched, p50", "single, p99", "single, p50",
    ]  # fmt: skip
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [2.0, 8.0])
    # 100 requests, the last one due at 0.99 s and answered 2 ms later.
    np.testing.assert_allclose(axes.lines[0].get_xdata()[0], 100 / 0.992)
    white, colours = [1, 1, 1, 1], axes.collections[0].get_facecolors().tolist()
    assert colours[0] != white
    assert colours[1] == white
    assert "batched: from 101 per second at p50 2.0 and p99 2.0 ms to 1" in picture.alt
    assert "1 of 2 loads were not sustained" in picture.alt
    assert picture.alt.endswith("p50 2.0 and p99 2.0 ms.")


def test_a_load_over_time_shows_versions_failures_and_events():
    codes = [OK] * 97 + [UNAVAILABLE, NOT_SENT, OK]
    picture = load_over_time(
        result(100, 5.0, codes=codes, versions=[1] * 40 + [2] * 60), {"published": 0.4}
    )
    (axes,) = picture.axes
    assert [line.get_label() for line in axes.lines] == [
        "version 1", "version 2", "failed", "published",
    ]  # fmt: skip
    assert [len(line.get_xdata()) for line in axes.lines[:3]] == [40, 58, 2]
    assert "100 requests in 1.0 s, 2 failed; p50 5.0 ms" in picture.alt
    assert "Version 1 answered 40, from 0.0 to 0.4 s. Version 2 answered 58" in picture.alt
    assert picture.alt.endswith("Marked: published at 0.4 s.")


def test_a_rest_load_has_no_versions():
    picture = load_over_time(result(100, 5.0, versions=[-1] * 100))
    assert [line.get_label() for line in picture.axes[0].lines] == ["answered"]
    assert "none failed" in picture.alt
    assert "Version" not in picture.alt
