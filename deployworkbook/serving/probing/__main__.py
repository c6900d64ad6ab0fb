"""Check a deployed model with Python's standard library alone, where the workbook isn't installed.

With a copy of this folder's files, in folders of the same names below DIR:

    PYTHONPATH=DIR python -m deployworkbook.serving.probing http://HOST:8501 --golden digits.json

It exits with 0 if all checks passed, 1 if one didn't, and 2 if it can't begin.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deployworkbook.serving.probing.checks import probe
from deployworkbook.serving.probing.golden import Golden
from deployworkbook.serving.probing.report import junit_xml


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks by themselves, without the workbook; return the exit code."""
    parser = argparse.ArgumentParser(description="Check a deployed model from outside.")
    parser.add_argument("address", help="http://HOST:PORT of the server")
    parser.add_argument("--golden", type=Path, required=True, help="file with the golden images")
    parser.add_argument("--latency-ms", type=float, help="budget (default: the file's)")
    parser.add_argument("--junit", type=Path, help="where to write JUnit's XML")
    given = parser.parse_args(arguments)
    try:
        golden = Golden.from_json(given.golden.read_text("utf-8"), str(given.golden))
        checks = probe(given.address, golden, latency_ms=given.latency_ms)
        if given.junit:
            given.junit.write_text(junit_xml(checks, f"probe {golden.model}"), "utf-8")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for check in checks:
        print(check)
    return int(any(check.status != "passed" for check in checks))


if __name__ == "__main__":
    sys.exit(main())
