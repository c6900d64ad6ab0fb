"""The checks of a deployed model: does it still answer as it did at its release?

Only Python's standard library is used: see ``__main__``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deployworkbook.serving.probing.golden import Golden
from deployworkbook.serving.probing.rest import (
    RefusedError,
    RestServer,
    UnreachableError,
    error_text,
    model_path,
)

# Requests that are timed, after one that isn't; their median counts, so a single pause doesn't.
TIMED = 5


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Args:
        name: What was checked.
        status: ``passed``, ``failed``, or ``skipped`` where an earlier failure left nothing to
            check.
        said: What was found.
        seconds: How long it took.
    """

    name: str
    status: str
    said: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.status:8}{self.name}: {self.said}"


def probe(
    address: str,
    golden: Golden,
    *,
    latency_ms: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Check]:
    """Check a server from outside: version, metadata, classes, scores, latency and errors.

    Args:
        address: ``http://HOST:PORT``.
        golden: What the model answered at its release.
        latency_ms: Budget for the median time of a request, in ms (default: the golden file's).
        clock: Tells the time in seconds.

    Returns:
        An outcome per check.

    Raises:
        ValueError: The address has another form.
    """
    server = RestServer(address)
    checks = Checks(server, golden, latency_ms or golden.latency_ms, clock)
    outcomes: list[Check] = []
    is_gone = False
    for name, act in checks:
        began = clock()
        if is_gone:
            outcomes.append(Check(name, "skipped", "there was no server to ask", 0.0))
            continue
        try:
            status, said = "passed", act()
        except (DifferenceError, RefusedError) as error:
            status, said = "failed", str(error)
        except UnreachableError as error:
            status, said, is_gone = "failed", str(error), True
        outcomes.append(Check(name, status, said, clock() - began))
    server.close()
    return outcomes


class DifferenceError(Exception):
    """What was found isn't what it was at the release."""


class Checks:
    """The checks, by name; each returns what it found, or raises ``DifferenceError``.

    Args:
        server: The server to ask.
        golden: What the model answered at its release.
        latency_ms: Budget for the median time of a request, in ms.
        clock: Tells the time in seconds.
    """

    def __init__(
        self, server: RestServer, golden: Golden, latency_ms: float, clock: Callable[[], float]
    ) -> None:
        self._server, self._golden = server, golden
        self._latency_ms, self._clock = latency_ms, clock

    def __iter__(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "version", self.version
        yield "metadata", self.metadata
        yield "classes", self.classes
        yield "scores", self.scores
        yield "latency", self.latency
        yield "unknown model", self.unknown_model
        yield "wrong shape", self.wrong_shape

    def version(self) -> str:
        """The released version answers, not an older or a newer one."""
        found, _, _ = self._server.metadata(self._golden.model)
        wanted = self._golden.version
        if found != wanted:
            raise DifferenceError(
                f"version {found} answers, not {wanted}. If {found} was released since, record "
                "the golden images again; if not, look why the server doesn't load the version."
            )
        return f"version {found} answers"

    def metadata(self) -> str:
        """Names, types and shapes are those that clients were written for."""
        _, inputs, outputs = self._server.metadata(self._golden.model)
        for kind, found, wanted in (
            ("inputs", inputs, self._golden.inputs),
            ("outputs", outputs, self._golden.outputs),
        ):
            if found != wanted:
                raise DifferenceError(f"{kind} are {in_words(found)}, not {in_words(wanted)}.")
        return f"{in_words(inputs)} to {in_words(outputs)}"

    def classes(self) -> str:
        """Each golden image gets its class."""
        images = self._golden.images
        found = [_argmax(row) for row in self._answers()]
        wrong = [
            (image.label, got)
            for image, got in zip(images, found, strict=True)
            if image.label != got
        ]
        if wrong:
            labels = [image.label for image in images]
            raise DifferenceError(
                f"{len(wrong)} of {len(images)} images get another class, such as {wrong[0][1]} "
                f"for a {wrong[0][0]}. {_hint(wrong, labels, found)}"
            )
        return f"{len(images)} of {len(images)} images get their class"

    def scores(self) -> str:
        """Scores are those of the release, so no other model answers, however good it is."""
        pairs = zip(self._answers(), self._golden.images, strict=True)
        apart = [_distance(row, image.scores) for row, image in pairs]
        if max(apart) > self._golden.tolerance:
            beyond = sum(each > self._golden.tolerance for each in apart)
            raise DifferenceError(
                f"{beyond} of {len(apart)} images get scores that are up to {max(apart):.2g} from "
                f"those at the release (allowed: {self._golden.tolerance:g}). Another model "
                "answers, or its inputs are scaled differently."
            )
        return f"at most {max(apart):.1g} from those at the release"

    def latency(self) -> str:
        """A request for one image takes no longer than its budget."""
        one = self._golden.instances(self._golden.images[:1])
        times = []
        for _ in range(TIMED + 1):
            began = self._clock()
            self._server.scores(self._golden.model, one)
            times.append((self._clock() - began) * 1000)
        median = statistics.median(times[1:])
        if median > self._latency_ms:
            raise DifferenceError(
                f"the median of {TIMED} requests is {median:.0f} ms, over the budget of "
                f"{self._latency_ms:g} ms. Look at the server's load and at its network."
            )
        return f"median {median:.1f} ms, within {self._latency_ms:g} ms"

    def unknown_model(self) -> str:
        """A model that isn't there gets 404, and a text."""
        path = f"{model_path(self._golden.model + '-that-is-not-there')}:predict"
        return self._error(path, {"instances": [0]}, 404)

    def wrong_shape(self) -> str:
        """An image without its last row or pixel gets 400, and a text."""
        (image,) = self._golden.instances(self._golden.images[:1])
        path = f"{model_path(self._golden.model)}:predict"
        return self._error(path, {"instances": [image[:-1]]}, 400)

    def _error(self, path: str, document: Any, wanted: int) -> str:
        status, answer = self._server.ask(path, document)
        said = error_text(answer)
        if status != wanted or not said:
            found = f"{status} with {'the error ' + repr(said) if said else 'no error text'}"
            raise DifferenceError(f"{found} instead of {wanted} with an error text.")
        if "Traceback" in said:
            raise DifferenceError(
                f"{status} with a traceback, which tells strangers about the server."
            )
        return f"{status}, {' '.join(said.split())[:60]}"

    def _answers(self) -> list[list[float]]:
        """Ask for all golden images at once."""
        golden = self._golden
        found = self._server.scores(golden.model, golden.instances(golden.images))
        sizes = {len(image.scores) for image in golden.images}
        if len(found) != len(golden.images) or {len(row) for row in found} != sizes:
            raise DifferenceError(
                f"{len(found)} answers of {sorted(map(len, found))[-1]} scores came."
            )
        return found


def _argmax(row: Sequence[float]) -> int:
    return max(range(len(row)), key=row.__getitem__)


def _distance(row: Sequence[float], other: Sequence[float]) -> float:
    """The largest difference; infinite for scores that aren't numbers."""
    apart = [abs(a - b) for a, b in zip(row, other, strict=True)]
    return max(apart) if all(each == each for each in apart) else float("inf")


def _hint(wrong: list[tuple[int, int]], labels: list[int], found: list[int]) -> str:
    """Say what wrong classes look like.

    >>> _hint([(1, 7), (7, 1)], [0, 1, 7], [0, 7, 1])
    'The labels 1 and 7 look swapped.'
    """
    pairs = set(wrong)
    affected = {label for label, _ in wrong}
    is_whole = len(wrong) == sum(label in affected for label in labels)
    if is_whole and len(pairs) == 2 and all((got, label) in pairs for label, got in pairs):
        first, second = min(pairs)
        return f"The labels {first} and {second} look swapped."
    if len(set(found)) <= 2:
        return "Nearly all get one class: are pixels scaled as in training?"
    return "Is it the released model?"


def in_words(tensors: dict[str, Any]) -> str:
    """Describe inputs or outputs.

    >>> in_words({"image": {"dtype": "DT_FLOAT", "shape": [-1, 28, 28]}})
    'image (DT_FLOAT [-1, 28, 28])'
    """
    return ", ".join(
        f"{name} ({each['dtype']} {each['shape']})" for name, each in sorted(tensors.items())
    )
