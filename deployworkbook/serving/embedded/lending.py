"""Lend objects that only one thread may use at a time, such as LiteRT's interpreters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Shaped(Protocol):
    """Something that is prepared for inputs of certain shapes."""

    shapes: tuple[tuple[int, ...], ...]


Item = TypeVar("Item", bound=Shaped)


class Pool(Generic[Item]):
    """A limited number of objects, made when all others are in use.

    Args:
        make: Makes another one.
        first: One that exists already.
        most: How many may exist at a time, at least 1.
    """

    def __init__(self, make: Callable[[], Item], first: Item, *, most: int) -> None:
        self._make = make
        self._most = most
        self._idle = [first]
        self._count = 1
        self._returned = threading.Condition()

    def take(self, shapes: tuple[tuple[int, ...], ...]) -> Item:
        """Take one, preferably prepared for these shapes; wait while all are in use."""
        with self._returned:
            while not self._idle and self._count >= self._most:
                self._returned.wait()
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place].shapes == shapes:
                    return self._idle.pop(place)
            if self._idle:
                return self._idle.pop(0)  # the one that was unused for longest
            self._count += 1
        try:
            return self._make()
        except BaseException:
            self.discard()
            raise

    def give_back(self, item: Item) -> None:
        """Return one that can be used again."""
        with self._returned:
            self._idle.append(item)
            self._returned.notify()

    def discard(self) -> None:
        """Forget one that was taken, so that another may be made."""
        with self._returned:
            self._count -= 1
            self._returned.notify()

    def clear(self) -> None:
        """Let go of all that nobody uses."""
        with self._returned:
            self._idle.clear()
