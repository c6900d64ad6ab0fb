"""The progress of a build: the remaining time, and cancelling."""

import threading

import pytest

from deployworkbook.compression.progress import BuildPart
from deployworkbook.widgets.build_progress import BuildCancelled, BuildProgress

PRUNE = BuildPart("prune97", "Prune", steps=60, epochs=6)
QUANTIZE = BuildPart("int4", "Quantize", steps=20, epochs=2)


class Clock:
    """A clock that only the test moves."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def advance(progress, clock, *, steps, seconds_per_step):
    for _ in range(steps):
        clock.now += seconds_per_step
        progress.update()


def test_the_time_left_is_unknown_until_two_reports_have_been_timed(clock):
    progress = BuildProgress(lambda *_: None, clock=clock)
    progress.plan([PRUNE])
    progress.begin(PRUNE)
    assert "isn't known yet" in progress.text
    clock.now += 30  # compiling
    progress.update(5)
    assert "isn't known yet" in progress.text
    advance(progress, clock, steps=5, seconds_per_step=0.5)
    # 50 steps of half a second; the half minute of preparation doesn't count.
    assert "epoch 2 of 6, 5.0 s per epoch" in progress.text
    # Measuring the finished form isn't divided into steps, so it isn't part of the figure.
    assert "About 25 s left, plus the time to measure it" in progress.text


def test_the_time_of_an_unmeasured_kind_of_part_is_unknown(clock):
    rates = {}
    first = BuildProgress(lambda *_: None, seconds_per_step=rates, clock=clock)
    first.plan([PRUNE, QUANTIZE])
    first.begin(PRUNE)
    advance(first, clock, steps=50, seconds_per_step=0.5)
    assert "About 5.0 s left, then int4: how long isn't known yet" in first.text
    first.begin(QUANTIZE)
    advance(first, clock, steps=10, seconds_per_step=2.0)
    assert "About 20 s left" in first.text
    second = BuildProgress(lambda *_: None, seconds_per_step=rates, clock=clock)
    second.plan([PRUNE, QUANTIZE])
    # 60 · 0.5 s + 20 · 2 s, from what the first build measured.
    assert "About 1 min 10 s left" in second.text


def test_the_bar_counts_the_steps_of_all_parts(clock):
    shown = []
    progress = BuildProgress(lambda fraction, text: shown.append(fraction), clock=clock)
    progress.plan([PRUNE, QUANTIZE])
    progress.begin(PRUNE)
    advance(progress, clock, steps=60, seconds_per_step=1.0)
    progress.begin(QUANTIZE)
    advance(progress, clock, steps=20, seconds_per_step=1.0)
    assert shown == sorted(shown)
    assert shown[-1] == 1.0
    assert 0.75 in shown


def test_progress_is_shown_at_most_four_times_per_second(clock):
    shown = []
    progress = BuildProgress(lambda fraction, text: shown.append(fraction), clock=clock)
    progress.begin(PRUNE)
    advance(progress, clock, steps=60, seconds_per_step=0.01)
    assert len(shown) <= 1 + 0.6 / 0.25


def test_every_report_after_cancelling_ends_the_build():
    progress = BuildProgress(lambda *_: None)
    progress.begin(PRUNE)
    thread = threading.Thread(target=progress.cancel)
    thread.start()
    thread.join()
    for report in (
        lambda: progress.update(0),
        lambda: progress.begin(QUANTIZE),
        lambda: progress.plan([]),
    ):
        with pytest.raises(BuildCancelled):
            report()
