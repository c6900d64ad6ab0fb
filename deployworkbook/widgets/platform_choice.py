"""The platform explorer: a job and its limits, with measured figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from deployworkbook.plots.platform_choice import ChoiceResult, ChoiceView
from deployworkbook.plots.platforms import PlatformFigures, time_text
from deployworkbook.validation import value_error
from deployworkbook.widgets.controls import Choice, LogSlider, Stops
from deployworkbook.widgets.explorer import Explorer

EDGE, CLOUD = "edge: one image at a time", "cloud: batches"


def compute_choice(
    platforms: Sequence[PlatformFigures],
    *,
    job: str,
    batch_size: int,
    answer_ms: float,
    memory_mb: float,
    ready_s: float,
) -> ChoiceResult:
    """Find the platforms that meet the limits, and the best of them.

    On the edge, the best platform is the fastest with one image, judged by its 99th percentile; in
    the cloud, it is the one with the most images per second and core, and an answer takes as long
    as its batch.

    Args:
        platforms: Figures of the platforms.
        job: ``EDGE`` or ``CLOUD``.
        batch_size: Images per call in the cloud, one of the measured sizes.
        answer_ms: Longest time that an answer may take.
        memory_mb: Most memory that a process may take, in units of 10⁶ bytes.
        ready_s: Longest time that a process may take to its first answer.
    """
    is_cloud = job == CLOUD
    batches = np.array([each.batch_s[batch_size] for each in platforms])
    cores = np.array([each.threads for each in platforms])
    if is_cloud:
        values, answers_s = batch_size / batches / cores, batches
    else:
        values, answers_s = (
            np.array([getattr(each, name) for each in platforms]) / 1000
            for name in ("p50_ms", "p99_ms")
        )
    reasons = []
    for each, answer_s in zip(platforms, answers_s, strict=True):
        missed = {f"response in {time_text(answer_s)}": 1000 * answer_s > answer_ms}
        # A missing measurement doesn't exclude a platform.
        if each.memory_bytes is not None:
            megabytes = each.memory_bytes / 1e6
            missed[f"{megabytes:,.0f} MB"] = megabytes > memory_mb
        if each.ready_s is not None:
            missed[f"starts in {time_text(each.ready_s)}"] = each.ready_s > ready_s
        reasons.append(tuple(text for text, is_missed in missed.items() if is_missed))
    allowed = [place for place, missed in enumerate(reasons) if not missed]
    sign = -1 if is_cloud else 1
    return ChoiceResult(
        names=tuple(each.name for each in platforms),
        is_cloud=is_cloud,
        batch_size=batch_size if is_cloud else 1,
        limits=f"{memory_mb:,.0f} MB, first answer in {time_text(ready_s)}, response in "
        f"{time_text(answer_ms / 1000)}",
        values=values,
        answers_s=answers_s,
        reasons=tuple(reasons),
        best=min(allowed, key=lambda place: sign * values[place], default=None),
    )


def platform_choice_explorer(platforms: Sequence[PlatformFigures]) -> Explorer[ChoiceResult]:
    """Make the platform explorer.

    Args:
        platforms: Figures of at least one platform, all measured at the same batch sizes.

    Raises:
        ValueError: There is no platform, or the sizes differ.
    """
    sizes = {tuple(each.batch_s) for each in platforms}
    if len(sizes) != 1:
        received = ", ".join(map(str, sizes)) or "none"
        expected = "platforms measured at the same sizes"
        raise value_error("platforms", received=received, expected=expected)
    (options,) = sizes
    controls = [
        Choice("job", "job", (EDGE, CLOUD), EDGE),
        LogSlider("memory_mb", "memory at most", 10, 2000, 10, 2000, "MB"),
        LogSlider("ready_s", "first answer within", 0.01, 30, 10, 30, "s"),
        LogSlider("answer_ms", "response within", 0.01, 1000, 10, 1000, "ms"),
        Stops("batch_size", "images per batch", options, options[-1]),
    ]
    rates = np.array(
        [[n / s / each.threads for n, s in each.batch_s.items()] for each in platforms]
    )
    single_s = np.array([each.p50_ms for each in platforms]) / 1000
    view = ChoiceView([each.name for each in platforms], single_s, rates)
    return Explorer(controls, partial(compute_choice, platforms), view, applies=_applies)


def _applies(*, job: str, **_: object) -> set[str]:
    always = {"job", "memory_mb", "ready_s", "answer_ms"}
    return always | {"batch_size"} if job == CLOUD else always
