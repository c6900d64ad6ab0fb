"""Wait in tests for what another thread or process does."""

import time

# Only guards against hanging: nothing that a busy machine does takes so long.
WATCHDOG_S = 300


def wait_until(condition, what="it"):
    """Return once the condition holds; how long that takes is no part of any test."""
    deadline = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WATCHDOG_S} s for {what}"
        time.sleep(0.02)
