"""Writes ``dp_accounting_reference.json``: ε by Google's dp-accounting, for comparison.

It can't be installed beside the workbook, because it wants older versions of what Jupyter needs.
So it runs in an environment of its own:

    python -m venv dp && dp/bin/pip install dp-accounting==0.6.0
    dp/bin/python tests/formulas/dp_accounting_reference.py
"""

import json
from importlib.metadata import version
from itertools import product
from pathlib import Path

from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent, SelfComposedDpEvent
from dp_accounting.rdp import RdpAccountant

# Sampling rate, noise multiplier, steps, δ.
SETTINGS = [
    *product((256 / 60_000, 1024 / 54_000), (0.8, 1.3, 2.5), (100, 3000), (1e-5,)),
    *product((0.1,), (1.3, 2.5), (100, 3000), (1e-5,)),
    (0.5, 6.0, 200, 1e-5),
    (0.9, 20.0, 50, 1e-6),
    (1.0, 4.0, 1, 1e-5),
    (1.0, 30.0, 100, 1e-3),
    (1e-4, 0.6, 50_000, 1e-8),
    (0.02, 8.0, 500, 1e-5),
]


def epsilon(rate, noise, steps, delta):
    step = (
        PoissonSampledDpEvent(rate, GaussianDpEvent(noise)) if rate < 1 else GaussianDpEvent(noise)
    )
    return RdpAccountant().compose(SelfComposedDpEvent(step, steps)).get_epsilon(delta)


if __name__ == "__main__":
    rows = [{"setting": each, "epsilon": epsilon(*each)} for each in SETTINGS]
    found = {"library": f"dp-accounting {version('dp-accounting')}", "rows": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
