"""Prometheus' alerts about a server, and their unit tests."""

from __future__ import annotations

from deployworkbook.deployment_files.dashboard import (
    JOB,
    OBJECTIVE_ANSWERED,
    OBJECTIVE_MS,
    Watch,
)
from deployworkbook.monitoring import objective_scenes, objectives
from deployworkbook.monitoring.counting import events
from deployworkbook.monitoring.rule_files import (
    PAGE,
    Alert,
    Group,
    Scene,
    firing,
    rules_text,
    unit_tests_text,
)

FILE = "prometheus/alerts.yaml"
TESTS = "prometheus/alerts_test.yaml"
SLOW_TESTS = "prometheus/alerts_slow_test.yaml"
DOWN, SLOW, BROKEN = "ServerDown", "RequestsSlow", "VersionDoesNotLoad"


def files(watch: Watch) -> dict[str, str]:
    """Write the alerts and their tests, by their paths.

    The tests run with ``promtool test rules``.
    """
    examples = watch.answered_series, watch.failed_series
    name = FILE.rpartition("/")[2]
    return {
        FILE: rules_text(groups(watch)),
        TESTS: unit_tests_text(
            name,
            [*serving_scenes(watch), *objective_scenes.quick_scenes(*examples)],
            interval=objective_scenes.QUICK_EVALUATION,
        ),
        SLOW_TESTS: unit_tests_text(
            name,
            objective_scenes.slow_scenes(*examples),
            interval=objective_scenes.SLOW_EVALUATION,
        ),
    }


def groups(watch: Watch) -> list[Group]:
    """List the groups of rules."""
    objective = objectives.Objective(OBJECTIVE_ANSWERED, watch.failed, watch.requests)
    return [Group("serving", _serving(watch)), *objectives.burn_groups(objective)]


def _serving(watch: Watch) -> tuple[Alert, ...]:
    down = Alert(
        DOWN,
        f'up{{job="{JOB}"}} == 0',
        "No metrics can be read from {{ $labels.instance }}.",
        "See whether the server runs, and what the end of its log says.",
        severity=PAGE,
        lasting="1m",
    )
    slow = Alert(
        SLOW,
        f"{watch.quantile_ms(0.99, by='model_name')} > {OBJECTIVE_MS}",
        "1 request in 100 takes more than {{ $value | humanize }} ms.",
        "Compare the panel of the model's own time: if that is short, requests wait for CPUs.",
        lasting="5m",
    )
    if not watch.broken:
        return down, slow
    broken = Alert(
        BROKEN,
        f"{events(watch.broken, '10m')} > 0",
        "A version at {{ $labels.model_path }} could not be loaded.",
        "The older version still answers. The log says why; withdraw or repair the new one.",
    )
    return down, slow, broken


def serving_scenes(watch: Watch) -> list[Scene]:
    """Write what the alerts must do, apart from those on the error budget."""
    bucket = watch.answered_series.replace(watch.answered_series.partition("{")[0], watch.buckets)

    def answers(fast: int) -> dict[str, str]:
        """Let some of 60 requests a minute take below 50 ms and the others below 200 ms."""
        return {
            f'{bucket[:-1]},le="{bound}"}}': f"0+{count}x20"
            for bound, count in (("50000", fast), ("200000", 60), ("+Inf", 60))
        }

    scenes = [
        Scene(
            "a server that no longer answers: a page after a minute",
            {f'up{{job="{JOB}",instance="a:8501"}}': "1x5 0x5"},
            (("5m", {firing(DOWN): 0}), ("7m30s", {firing(DOWN, severity=PAGE): 1})),
        ),
        Scene("fast answers: silence", answers(60), (("15m", {firing(SLOW): 0}),)),
        Scene(
            "one answer in twelve is slow: a ticket after five minutes",
            answers(55),
            (("3m", {firing(SLOW): 0}), ("10m", {firing(SLOW): 1})),
        ),
    ]
    if not watch.broken:
        return scenes
    loads = watch.broken.partition("{")[0]
    good = f'{loads}{{job="{JOB}",model_path="/models/digits/1",status="success"}}'
    bad = f'{loads}{{job="{JOB}",model_path="/models/digits/2",status="fail"}}'
    return [
        *scenes,
        Scene(
            "a version fails at its only attempt: the counter appears with 1 and stays there",
            {good: "1x80", bad: "_x20 1x60"},
            (
                ("9m30s", {firing(BROKEN): 0}),
                ("10m", {firing(BROKEN): 1}),
                ("19m", {firing(BROKEN): 1}),
                ("26m", {firing(BROKEN): 0}),
            ),
            "30s",
        ),
        Scene(
            "a version fails again, an hour later",
            {bad: "1x120 2x10"},
            (("60m", {firing(BROKEN): 0}), ("61m", {firing(BROKEN): 1})),
            "30s",
        ),
    ]
