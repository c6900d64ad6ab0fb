"""The pictures of platforms show what was measured."""

from dataclasses import replace

import numpy as np

from deployworkbook.plots.platforms import (
    PlatformFigures,
    footprint_picture,
    latency_picture,
    throughput_picture,
)
from deployworkbook.runtimes.timing import Latency

SLOW = PlatformFigures("slow", 20.0, 30.0, 500_000, 600_000_000, 4.0, 1, {1: 0.02, 10: 0.025})
QUICK = PlatformFigures("quick", 0.005, 0.008, 400_000, 50_000_000, 0.05, 1, {1: 5e-6, 10: 2e-5})


def test_latency_has_the_slowest_first_on_a_logarithmic_axis():
    quick, slow = Latency(np.full(100, 0.005)), Latency(np.r_[np.full(99, 20.0), 30.0])
    picture = latency_picture({"quick": quick, "slow": slow}, title="One image")
    (axes,) = picture.axes
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["slow", "quick"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [20_000, 5])
    assert [text.get_text() for text in axes.texts] == ["20 ms", "5 µs"]
    assert f"slow 20 ms (p99 {slow.p99_ms:.3g} ms), quick 5 µs (p99 5 µs)" in picture.alt
    assert picture.png()


def test_throughput_is_images_divided_by_time():
    picture = throughput_picture([SLOW, QUICK], bound={1: 300_000.0, 10: 800_000.0})
    (axes,) = picture.axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [50, 400])
    np.testing.assert_allclose(axes.lines[1].get_ydata(), [200_000, 500_000])
    np.testing.assert_allclose(axes.lines[2].get_ydata(), [300_000, 800_000])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10"]
    assert "slow from 50 to 400; quick from 200,000 to 500,000" in picture.alt
    assert picture.png()


def test_footprint_has_three_panels():
    picture = footprint_picture([SLOW, QUICK])
    widths = [[bar.get_width() for bar in axes.patches] for axes in picture.axes]
    assert widths == [[500, 400], [600, 50], [4.0, 0.05]]
    assert "peak memory (MB): slow 600, quick 50; time to first" in picture.alt
    assert picture.png()


def test_footprint_leaves_out_what_was_not_measured():
    picture = footprint_picture([replace(SLOW, memory_bytes=None, ready_s=None), QUICK])
    (axes,) = picture.axes
    assert axes.get_title() == "files (KB)"
    assert "memory" not in picture.alt
