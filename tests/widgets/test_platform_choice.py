"""The platform explorer excludes platforms by limits and names the best of the rest."""

from dataclasses import replace

import pytest

from deployworkbook.plots.platforms import PlatformFigures
from deployworkbook.widgets.platform_choice import CLOUD, EDGE, platform_choice_explorer


def figures(name, *, p50_ms, memory_mb, ready_s, batch_ms, threads=1):
    batch_s = {1: p50_ms / 1000, 100: batch_ms / 1000}
    memory_bytes = int(memory_mb * 1e6)
    return PlatformFigures(name, p50_ms, 2 * p50_ms, 1000, memory_bytes, ready_s, threads, batch_s)


# A hundred images: 2,000 per second; 1,000; and 4,000 on four cores, 1,000 per core.
PLATFORMS = [
    figures("large", p50_ms=1.0, memory_mb=600, ready_s=5.0, batch_ms=50.0),
    figures("small", p50_ms=0.1, memory_mb=50, ready_s=0.05, batch_ms=100.0),
    figures("wide", p50_ms=0.2, memory_mb=100, ready_s=0.5, batch_ms=25.0, threads=4),
]


def test_the_best_is_the_fastest_at_the_edge_and_has_the_highest_rate_per_core_in_the_cloud():
    explorer = platform_choice_explorer(PLATFORMS)
    result = explorer.set(job=EDGE)
    assert result.names[result.best] == "small"
    assert "small is the best: 100 µs" in explorer._view.picture.alt
    result = explorer.set(job=CLOUD)
    assert result.names[result.best] == "large"
    assert result.values == pytest.approx([2000, 1000, 1000])


def test_excluded_platforms_name_the_limit_they_miss():
    explorer = platform_choice_explorer(PLATFORMS)
    result = explorer.set(memory_mb=80.0, ready_s=1.0)
    assert result.reasons == (("600 MB", "starts in 5 s"), (), ("100 MB",))
    assert result.names[result.best] == "small"


def test_the_response_limit_applies_to_p99_at_the_edge_and_to_the_batch_in_the_cloud():
    explorer = platform_choice_explorer(PLATFORMS)
    # p99 of `wide` is 0.4 ms.
    assert explorer.set(job=EDGE, answer_ms=0.3).reasons[2] == ("response in 400 µs",)
    result = explorer.set(job=CLOUD, answer_ms=60.0)
    assert [bool(reasons) for reasons in result.reasons] == [False, True, False]
    assert result.reasons[1] == ("response in 100 ms",)


def test_limits_that_no_platform_meets_are_reported():
    explorer = platform_choice_explorer(PLATFORMS)
    assert explorer.set(memory_mb=10.0).best is None
    assert "each of 3 platforms misses a limit of 10 MB" in explorer._view.picture.alt


@pytest.mark.usefixtures("drawn")
def test_a_limit_that_excludes_no_platform_is_shown():
    explorer = platform_choice_explorer(PLATFORMS)
    before = explorer._view.png()
    explorer.set(memory_mb=1500.0)
    assert explorer._view.png() != before
    assert "1,500 MB, first answer in 30 s, response in 1 s" in explorer._view.picture.alt


def test_an_unmeasured_quantity_excludes_no_platform():
    bare = [replace(each, memory_bytes=None, ready_s=None) for each in PLATFORMS]
    result = platform_choice_explorer(bare).set(memory_mb=10.0, ready_s=0.01)
    assert result.reasons == ((), (), ())


def test_the_batch_size_is_disabled_at_the_edge():
    explorer = platform_choice_explorer(PLATFORMS)
    explorer.set(job=EDGE)
    assert explorer._widgets["batch_size"].disabled
    explorer.set(job=CLOUD)
    assert not explorer._widgets["batch_size"].disabled


def test_no_platforms_or_different_sizes_are_refused():
    with pytest.raises(ValueError, match="same sizes"):
        platform_choice_explorer([])
    other = PlatformFigures("other", 1.0, 2.0, 1, 1, 1.0, 1, {1: 0.001})
    with pytest.raises(ValueError, match="same sizes"):
        platform_choice_explorer([*PLATFORMS, other])
