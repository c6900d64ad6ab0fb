"""What an objective's alerts must do, as unit tests for promtool.

All scenes begin with an hour or more without a failure, so that the counter of failures appears
with the first one. At 2 % failures and an objective of 99.9 %, the share of an hour exceeds
14.4 · 0.1 % after 60 min · 1.44 / 2 = 43.2 min, and that of six hours exceeds 6 · 0.1 % after
108 min.
"""

from __future__ import annotations

from deployworkbook.monitoring.objectives import BURN, ratio_name
from deployworkbook.monitoring.rule_files import PAGE, TICKET, Scene, firing

# Requests in a sample's 30 s, and samples an hour.
_RATE, _HOUR = 600, 120
_PAGES, _TICKETS = firing(BURN, severity=PAGE), firing(BURN, severity=TICKET)
# The distance of samples, in scenes that last hours and in those of days.
QUICK, SLOW = "30s", "10m"
# How often rules are evaluated: each time costs promtool all of their windows. Alerts of scenes of
# days are asked for at these moments only, since five minutes later they are out of sight.
QUICK_EVALUATION, SLOW_EVALUATION = "1m", "1h"


def _burning(factor: float) -> str:
    return firing(BURN, burn_rate=f"{factor:g}")


def _at(minutes: float) -> str:
    """Write the time since the failures began; the sample of the full hour has the first ones."""
    return f"{3570 + 60 * minutes:g}s"


def _traffic(answered: str, failed: str, bad: int, samples: int) -> dict[str, str]:
    """Let some of each sample's requests fail for a number of samples, then none for an hour."""
    before, during = _RATE * (_HOUR - 1), _RATE - bad
    after = before + during * (samples + 1)
    return {
        answered: f"0+{_RATE}x{_HOUR - 1} {before + during}+{during}x{samples - 1} "
        f"{after}+{_RATE}x{_HOUR}",
        failed: f"_x{_HOUR} {bad}+{bad}x{samples - 1} {bad * samples}x{_HOUR}",
    }


def quick_scenes(answered: str, failed: str) -> tuple[Scene, ...]:
    """Write what the fast alert must do within minutes; rules are evaluated every minute.

    Args:
        answered: A series of answered requests, with all its labels.
        failed: A series of failed ones.
    """
    first = {f"round(sum({ratio_name(w)}), 0.0001)": v for w, v in (("5m", 0.0196), ("1h", 0.005))}
    return (
        Scene(
            "2 % fail: a page between minute 42 and 46",
            _traffic(answered, failed, _RATE * 2 // 100, _HOUR),
            (
                (_at(42.5), {_PAGES: 0}),
                (_at(44), {_burning(14.4): 1}),
                (_at(46), {_PAGES: 1, _TICKETS: 0}),
            ),
            QUICK,
        ),
        Scene(
            "all fail: a page within two minutes, and silence soon after it is over",
            _traffic(answered, failed, _RATE, 10),
            ((_at(0.5), {_PAGES: 0}), (_at(2), {_PAGES: 1}), (_at(11), {_PAGES: 0})),
            QUICK,
        ),
        Scene(
            "40 % fail for two minutes: nobody is paged",
            _traffic(answered, failed, _RATE * 40 // 100, 4),
            tuple((_at(minute), {_PAGES: 0, _TICKETS: 0}) for minute in (1, 2, 3, 7, 40)),
            QUICK,
        ),
        Scene(
            "the first failure ever counts, though its counter stays at 1",
            {answered: "0+10x30", failed: "_x20 1x10"},
            (("20m", first),),
        ),
    )


def slow_scenes(answered: str, failed: str) -> tuple[Scene, ...]:
    """Write what the slower alerts must do within days; rules are evaluated every hour.

    Args:
        answered: A series of answered requests, with all its labels.
        failed: A series of failed ones.
    """
    # An hour has 6 samples.
    return (
        Scene(
            "2 % fail after a day: a page by the six hours' alert within two hours, too",
            {answered: "0+980x200", failed: "_x144 20+20x50"},
            (("25h", {_burning(6): 0}), ("26h", {_burning(6): 1})),
            SLOW,
        ),
        Scene(
            "0.25 % fail after three days: no page, and a ticket 29 hours later",
            {answered: "0+9975x650", failed: "_x438 25+25x200"},
            (
                ("101h", {_burning(1): 0, _PAGES: 0}),
                ("103h", {_burning(1): 1, _burning(3): 0, _PAGES: 0}),
            ),
            SLOW,
        ),
        Scene(
            "0.5 % fail after three days: a ticket within 15 hours",
            {answered: "0+9950x550", failed: "_x438 50+50x100"},
            (("86h", {_burning(3): 0, _PAGES: 0}), ("88h", {_burning(3): 1, _PAGES: 0})),
            SLOW,
        ),
    )
