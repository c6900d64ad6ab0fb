"""Limit the memory of each request and of all together, counted before it is allocated."""

from __future__ import annotations

import threading

from deployworkbook.serving.embedded.errors import Code, ServingError

REQUEST_FLAG = "--max_request_memory_bytes"
IN_FLIGHT_FLAG = "--max_in_flight_memory_bytes"
# What each request may take regardless of the others, so that small requests are answered while
# large ones fill the memory. It can add up to this times the number of concurrent requests.
FREE_BYTES = 256 * 1024


class MemoryBudget:
    """The memory that requests may take: each of them, and all together.

    Args:
        request_bytes: Maximum per request.
        in_flight_bytes: Maximum for all together; ``FREE_BYTES`` of each request don't count.

    >>> budget = MemoryBudget(request_bytes=2**20, in_flight_bytes=2**22)
    >>> with budget.account() as account:
    ...     account.reserve(2**19, "the body")
    ...     budget.taken_bytes
    262144
    >>> budget.taken_bytes
    0
    """

    def __init__(self, *, request_bytes: int, in_flight_bytes: int) -> None:
        self.request_bytes = request_bytes
        self.in_flight_bytes = in_flight_bytes
        self.lock = threading.Lock()
        self._taken = 0

    @property
    def taken_bytes(self) -> int:
        """What requests have taken together, without the ``FREE_BYTES`` of each."""
        return self._taken

    def account(self) -> Account:
        """Open an account for one request, for a ``with`` statement."""
        return Account(self)

    def change(self, difference: int) -> bool:
        """Take bytes, or return them if negative; return whether there were enough.

        The caller holds ``lock``.
        """
        if difference > 0 and self._taken + difference > self.in_flight_bytes:
            return False
        self._taken += difference
        return True


class Account:
    """What one request has taken from a budget.

    Each ``with`` holds the account open, and the last one to end returns everything. So a thread
    that still works for a client that has given up keeps its bytes until it ends.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._lock = budget.lock
        self._held = 0
        self._users = 0
        self._cancelled = False

    @property
    def most_bytes(self) -> int:
        """What the request may take."""
        return self._budget.request_bytes

    @property
    def held_bytes(self) -> int:
        """What the request has taken."""
        return self._held

    def reserve(self, size_bytes: int, what: str) -> None:
        """Take bytes for something about to be allocated.

        Args:
            size_bytes: How many bytes.
            what: What they are for, as named in the error.

        Raises:
            ServingError: The request would exceed its limit, too little is left, or the client
                has given up.
        """
        with self._lock:
            if self._cancelled:
                raise ServingError(Code.CANCELLED, "Nobody waits for the answer any more")
            total = self._held + size_bytes
            if total > self._budget.request_bytes:
                raise ServingError(
                    Code.RESOURCE_EXHAUSTED,
                    f"With {what} the request would take {total:,} bytes of memory. One request "
                    f"may take {self._budget.request_bytes:,} ({REQUEST_FLAG}). Send less at "
                    "once, or start the server with a larger value.",
                )
            if total > FREE_BYTES and not self._budget.change(total - max(FREE_BYTES, self._held)):
                raise ServingError(
                    Code.RESOURCE_EXHAUSTED,
                    f"There is no memory for {what} ({size_bytes:,} bytes): the requests that are "
                    f"being answered have {self._budget.taken_bytes:,} of "
                    f"{self._budget.in_flight_bytes:,} bytes ({IN_FLIGHT_FLAG}). Try again, or "
                    "send fewer large requests at a time.",
                )
            self._held = total

    def release(self, size_bytes: int) -> None:
        """Return the bytes of something that was freed."""
        with self._lock:
            self._give(size_bytes)

    def cancel(self) -> None:
        """Make the next ``reserve`` fail, which ends work that no client waits for."""
        self._cancelled = True

    def __enter__(self) -> Account:
        with self._lock:
            self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._give(self._held)

    def _give(self, size_bytes: int) -> None:
        held = self._held
        self._held = held - size_bytes
        if held > FREE_BYTES:
            self._budget.change(max(FREE_BYTES, self._held) - held)
