"""All packages that a package needs on another kind of machine.

pip judges the markers of requirements, such as ``sys_platform == "win32"``, by the machine that it
runs on. So it can't be asked for the packages of another one. It is asked for single wheels
instead, and what they need is read from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from deployworkbook.teaching.wheelhouse.requirements import Wheel
from deployworkbook.teaching.wheelhouse.targets import Target

# Gets wheels by their names and versions, in the order given.
Fetch = Callable[[Sequence[Requirement]], Iterable[Wheel]]


class Closure:
    """The wheels that some requirements need, found round by round.

    Args:
        target: Kind of machine.
        pins: Exact versions; packages without one get the newest that is allowed.
        fetch: Gets wheels.
    """

    def __init__(
        self, target: Target, pins: Mapping[NormalizedName, Version], fetch: Fetch
    ) -> None:
        self.target = target
        self.pins = pins
        self.wheels: dict[NormalizedName, Wheel] = {}
        self.unpinned: set[NormalizedName] = set()
        self._fetch = fetch
        self._allowed: dict[NormalizedName, SpecifierSet] = {}
        self._seen: set[tuple[NormalizedName, str]] = set()

    def add(self, wheel: Wheel, extras: Iterable[str] = ()) -> None:
        """Add a wheel that is there, and get all that it needs.

        Args:
            wheel: The wheel.
            extras: Its optional parts that are wanted.

        Raises:
            ValueError: A package's version isn't one that the others allow.
        """
        self.wheels[wheel.name] = wheel
        pending = self._needs(wheel.name, ("", *extras))
        while pending:
            missing = {
                canonicalize_name(each.name): None
                for each in pending
                if canonicalize_name(each.name) not in self.wheels
            }
            for found in self._fetch([self._exact(name) for name in missing]):
                self.wheels[found.name] = found
            pending = [
                need
                for each in pending
                for need in self._needs(canonicalize_name(each.name), ("", *each.extras))
            ]
        self._check_versions()

    def _needs(self, name: NormalizedName, extras: Iterable[str]) -> list[Requirement]:
        """Return what a wheel and its extras need there, each part of it once."""
        needs: list[Requirement] = []
        for extra in extras:
            if (name, extra) in self._seen:
                continue
            self._seen.add((name, extra))
            given = {**self.target.environment, "extra": extra}
            for each in self.wheels[name].requires:
                # Without a marker it belongs to the package itself, not to an extra.
                applies = each.marker.evaluate(given) if each.marker else not extra
                if applies:
                    key = canonicalize_name(each.name)
                    self._allowed[key] = self._allowed.get(key, SpecifierSet()) & each.specifier
                    needs.append(each)
        return needs

    def _exact(self, name: NormalizedName) -> Requirement:
        if name in self.pins:
            return Requirement(f"{name}=={self.pins[name]}")
        self.unpinned.add(name)
        return Requirement(f"{name}{self._allowed[name]}")

    def _check_versions(self) -> None:
        wrong = [
            f"{name} {self.wheels[name].version} is not {allowed}"
            for name, allowed in self._allowed.items()
            if not allowed.contains(self.wheels[name].version, prereleases=True)
        ]
        if wrong:
            raise ValueError(
                f"These versions don't fit together: {'; '.join(wrong)}. Correct constraints.txt."
            )
