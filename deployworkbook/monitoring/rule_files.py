"""Rules and their unit tests as the files that Prometheus and promtool read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

PAGE, TICKET = "page", "ticket"


@dataclass(frozen=True)
class Recording:
    """A query whose result Prometheus keeps under a name of its own.

    Args:
        name: The name, such as ``job:errors:ratio_5m``.
        query: The query.
    """

    name: str
    query: str

    def as_rule(self) -> dict[str, Any]:
        """Return the rule as Prometheus' file has it."""
        return {"record": self.name, "expr": self.query}


@dataclass(frozen=True)
class Alert:
    """A query that has a result only when somebody should look.

    Args:
        name: The alert's name.
        query: The query.
        summary: What is wrong; may name the value and labels as Prometheus' templates do.
        remedy: What to look at first.
        severity: ``page`` wakes somebody, ``ticket`` waits until the morning.
        lasting: For how long the query must have a result first, such as ``1m``.
        labels: More labels.
    """

    name: str
    query: str
    summary: str
    remedy: str
    severity: str = TICKET
    lasting: str = "0s"
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_rule(self) -> dict[str, Any]:
        """Return the rule as Prometheus' file has it."""
        return {
            "alert": self.name,
            "expr": self.query,
            "for": self.lasting,
            "labels": {"severity": self.severity, **self.labels},
            "annotations": {"summary": self.summary, "description": self.remedy},
        }


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, in order.

    Args:
        name: The group's name.
        rules: Recordings and alerts.
        interval: How often, such as ``1m``; empty for the server's own interval.
    """

    name: str
    rules: tuple[Recording | Alert, ...]
    interval: str = ""

    def as_group(self) -> dict[str, Any]:
        """Return the group as Prometheus' file has it."""
        every = {"interval": self.interval} if self.interval else {}
        return {"name": self.name, **every, "rules": [rule.as_rule() for rule in self.rules]}


@dataclass(frozen=True)
class Scene:
    """A simulated course of events, and what the rules must make of it.

    Args:
        name: What it shows.
        series: Samples by series, in promtool's notation: ``0+60x120`` counts up by 60, 120 times;
            ``_x5`` is five missing samples.
        expected: Pairs of a time, such as ``43m``, and the values by query at that time.
        interval: The distance of samples, such as ``15s``.
    """

    name: str
    series: Mapping[str, str]
    expected: tuple[tuple[str, Mapping[str, float]], ...]
    interval: str = "1m"

    def as_test(self) -> dict[str, Any]:
        """Return the test as promtool's file has it."""
        return {
            "name": self.name,
            "interval": self.interval,
            "input_series": [
                {"series": series, "values": values} for series, values in self.series.items()
            ],
            "promql_expr_test": [
                {
                    "expr": query,
                    "eval_time": at,
                    "exp_samples": [{"labels": "{}", "value": value}],
                }
                for at, values in self.expected
                for query, value in values.items()
            ],
        }


def firing(name: str, **labels: str) -> str:
    """Write the query for the number of alerts of a name that fire.

    Args:
        name: The alert's name.
        labels: Only those with these labels, such as ``severity="page"``.

    >>> firing("ServerDown")
    'count(ALERTS{alertstate="firing",alertname="ServerDown"}) or vector(0)'
    """
    wanted = {"alertstate": "firing", "alertname": name, **labels}
    chosen = ",".join(f'{label}="{value}"' for label, value in wanted.items())
    return f"count(ALERTS{{{chosen}}}) or vector(0)"


def rules_text(groups: Sequence[Group]) -> str:
    """Write a file of rules.

    Args:
        groups: The groups, in order.

    >>> print(rules_text([Group("web", (Recording("a:b", "sum(c)"),))]), end="")
    groups:
    - name: web
      rules:
      - record: a:b
        expr: sum(c)
    """
    return _written({"groups": [group.as_group() for group in groups]})


def operator_text(groups: Sequence[Group], *, name: str, namespace: str) -> str:
    """Write the same rules as an object of Kubernetes, for the Prometheus Operator.

    Args:
        groups: The groups, in order.
        name: The object's name.
        namespace: Its namespace.

    >>> group = Group("web", (Recording("a:b", "sum(c)"),))
    >>> print(operator_text([group], name="web", namespace="shop").partition("spec")[0], end="")
    apiVersion: monitoring.coreos.com/v1
    kind: PrometheusRule
    metadata:
      name: web
      namespace: shop
    """
    return _written(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"groups": [group.as_group() for group in groups]},
        }
    )


def unit_tests_text(rules_file: str, scenes: Sequence[Scene], *, interval: str) -> str:
    """Write a file of unit tests, for ``promtool test rules FILE``.

    Args:
        rules_file: The rules' file, from this one's folder.
        scenes: The simulated courses of events.
        interval: How often the rules are evaluated.
    """
    return _written(
        {
            "rule_files": [rules_file],
            "evaluation_interval": interval,
            "tests": [scene.as_test() for scene in scenes],
        }
    )


def _written(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000)
    return text
