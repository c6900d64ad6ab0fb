"""Read metrics over HTTP, and keep what was read for a while: a small Prometheus without one."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from prometheus_client.parser import text_string_to_metric_families

from deployworkbook.validation import check_number

Labels = tuple[tuple[str, str], ...]
Series = tuple[str, Labels]
# How long one reading may take.
TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Reading:
    """All samples of a server at one moment.

    Args:
        at_s: When, in seconds of a clock that never goes back.
        values: Values by name and sorted labels.
    """

    at_s: float
    values: Mapping[Series, float]


def parse(text: str) -> dict[Series, float]:
    """Read Prometheus' text format.

    Args:
        text: What a server says at its metrics' address.

    Raises:
        ValueError: It is no such text.

    >>> parse('asked{model="digits"} 3')
    {('asked', (('model', 'digits'),)): 3.0}
    """
    # Without types: the parser would add "_total" to the names of counters that lack it.
    samples = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
        for family in text_string_to_metric_families(f"{samples}\n")
        for sample in family.samples
    }


class History:
    """The readings of the last minutes.

    Args:
        keep_s: How long to keep a reading.
    """

    def __init__(self, keep_s: float = 600.0) -> None:
        self.keep_s = check_number("keep_s", keep_s, 0, open_low=True)
        self._readings: deque[Reading] = deque()
        # By how much each series has increased since the first reading, by name.
        self._totals: deque[dict[str, dict[Labels, float]]] = deque()

    def add(self, reading: Reading) -> None:
        """Add a reading, and drop those that are too old.

        Args:
            reading: The newest one.
        """
        self._totals.append(self._increased(reading))
        self._readings.append(reading)
        # The one just outside is the start of the longest window.
        while len(self._readings) > 2 and self._readings[1].at_s < reading.at_s - self.keep_s:
            self._readings.popleft()
            self._totals.popleft()

    def _increased(self, reading: Reading) -> dict[str, dict[Labels, float]]:
        # A series that is gone keeps what it has counted.
        known = self._totals[-1] if self._totals else {}
        totals = {name: dict(of_name) for name, of_name in known.items()}
        before = self._readings[-1].values if self._readings else None
        for (name, labels), value in reading.values.items():
            of_name = totals.setdefault(name, {})
            if before is None:
                of_name[labels] = 0.0
                continue
            old = before.get((name, labels), 0.0)
            gained = value - old if value >= old else value
            of_name[labels] = of_name.get(labels, 0.0) + gained
        return totals

    def __len__(self) -> int:
        return len(self._readings)

    @property
    def newest(self) -> Reading:
        """The newest reading.

        Raises:
            IndexError: There is none.
        """
        return self._readings[-1]

    def within(self, seconds: float) -> list[Reading]:
        """Return the readings of a window, and the one before it.

        Args:
            seconds: The window's length, which ends at the newest reading.
        """
        start = self.newest.at_s - seconds
        place = bisect_right([each.at_s for each in self._readings], start)
        return list(self._readings)[max(place - 1, 0) :]

    def increases(self, name: str, seconds: float) -> tuple[dict[Labels, float], float]:
        """Return by how much a counter's series increased within a window, and its true length.

        A series that appears within the window counts from 0, and so does one that falls, because
        its server has started again. With one reading only, all counts since the server's start
        are returned, and a length of 0.

        Args:
            name: The counter's name.
            seconds: The window's length.
        """
        if len(self) == 1:
            only = self.newest.values.items()
            return {labels: value for (key, labels), value in only if key == name}, 0.0
        start = len(self) - len(self.within(seconds))
        first, last = self._totals[start].get(name, {}), self._totals[-1].get(name, {})
        found = {labels: total - first.get(labels, 0.0) for labels, total in last.items()}
        return found, self.newest.at_s - self._readings[start].at_s


class Reader:
    """Reads the metrics of one server.

    Args:
        address: The metrics' address, such as ``http://127.0.0.1:8501/monitoring/prometheus/metrics``.
        keep_s: How long to keep what was read.
    """

    def __init__(self, address: str, *, keep_s: float = 600.0) -> None:
        self.address = address
        self.history = History(keep_s)
        self.error = ""
        self.read_bytes = 0
        self._session = requests.Session()
        # A proxy would look for 127.0.0.1 on its own machine.
        self._session.trust_env = False

    def read(self) -> bool:
        """Read once; return whether the server answered, else ``error`` says why not."""
        try:
            answer = self._session.get(self.address, timeout=TIMEOUT_S)
            answer.raise_for_status()
            values = parse(answer.text)
        except requests.RequestException as error:
            self.error = f"{self.address} gave no metrics: {type(error).__name__}"
            return False
        except ValueError as error:
            self.error = f"{self.address} answers with something else than metrics: {error}"
            return False
        self.error = ""
        self.read_bytes += len(answer.content)
        self.history.add(Reading(time.monotonic(), values))
        return True

    def close(self) -> None:
        """Close the connection."""
        self._session.close()
