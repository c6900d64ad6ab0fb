"""The process that sends a load: ``python -m deployworkbook.serving.load.sender``.

Plan and destination arrive on standard input, pickled; the outcomes leave on standard output.
"""

from __future__ import annotations

import pickle
import sys

from deployworkbook.serving.load.engine import run

STARTED = b"started\n"


def _main() -> None:
    # The input comes from the process that started this one.
    plan, destination = pickle.load(sys.stdin.buffer)  # noqa: S301
    output = sys.stdout.buffer

    def started() -> None:
        output.write(STARTED)
        output.flush()

    pickle.dump(run(plan, destination, started=started), output)


if __name__ == "__main__":
    _main()
