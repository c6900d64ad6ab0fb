"""PromQL that counts a counter's events, the very first one included."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deployworkbook.validation import describe, value_error

_WINDOW = re.compile(r"[1-9]\d*[smhdw]")


def events(selector: str, window: str) -> str:
    """Write the query for the number of events within a window, per series.

    ``increase`` compares a series' samples with its first one, so it says 0 as long as there is
    only that one: a counter that appears with the value 1 and stays there never increases. A series
    that didn't exist a window ago has counted all its events since, so its value is their number:

        (x unless x offset w) or increase(x[w])

    If Prometheus itself is younger than the window, the first half also counts what happened before
    it started, back to the server's start.

    Args:
        selector: The counter, with or without labels, such as ``errors{job="web"}``.
        window: A length of time as Prometheus writes it, such as ``5m``.

    Raises:
        ValueError: The window is no such length.

    >>> events("errors", "5m")
    '((errors unless errors offset 5m) or increase(errors[5m]))'
    """
    check_window("window", window)
    return f"(({selector} unless {selector} offset {window}) or increase({selector}[{window}]))"


def total(selectors: Sequence[str], window: str, *, by: str = "job") -> str:
    """Write the query for the number of events of several counters together.

    Args:
        selectors: At least one counter. Only the first has to exist: without it, there is no
            result.
        window: A length of time, such as ``5m``.
        by: The labels to keep, separated by commas.

    Raises:
        ValueError: There is no counter, or the window is no length of time.

    >>> total(["good"], "5m")
    'sum by (job) (((good unless good offset 5m) or increase(good[5m])))'
    """
    if not selectors:
        raise value_error("selectors", received="none", expected="at least one counter")
    first, *others = [f"sum by ({by}) ({events(each, window)})" for each in selectors]
    zero = nothing(selectors[0], by=by)
    return " + ".join([first, *(f"({other} or {zero})" for other in others)])


def share(part: Sequence[str], whole: Sequence[str], window: str, *, by: str = "job") -> str:
    """Write the query for the share of events within a window that are of some kind.

    The share is 0 as long as no counter of that kind exists, and NaN without any event.

    Args:
        part: Counters of the events of that kind, such as failed requests.
        whole: Counters of all events; the first one has to exist.
        window: A length of time, such as ``5m``.
        by: The labels to keep, separated by commas.

    Raises:
        ValueError: A list is empty, or the window is no length of time.

    >>> failed, requests = share(["bad"], ["all"], "1h").split(" / ")
    >>> print(failed)
    (sum by (job) (((bad unless bad offset 1h) or increase(bad[1h]))) or 0 * sum by (job) (all))
    >>> print(requests)
    (sum by (job) (((all unless all offset 1h) or increase(all[1h]))))
    """
    wanted, every = total(part, window, by=by), total(whole, window, by=by)
    return f"({wanted} or {nothing(whole[0], by=by)}) / ({every})"


def nothing(selector: str, *, by: str = "job") -> str:
    """Write the query for 0, wherever a counter exists.

    >>> nothing("all")
    '0 * sum by (job) (all)'
    """
    return f"0 * sum by ({by}) ({selector})"


def check_window(name: str, window: str) -> str:
    """Return a length of time if Prometheus can read it.

    Raises:
        ValueError: It can't.

    >>> check_window("window", "5 minutes")
    Traceback (most recent call last):
    ...
    ValueError: window: expected a number and one of s, m, h, d, w, such as 5m. Received: \
'5 minutes' (str).
    """
    if not _WINDOW.fullmatch(window):
        expected = "a number and one of s, m, h, d, w, such as 5m"
        raise value_error(name, received=describe(window), expected=expected)
    return window
