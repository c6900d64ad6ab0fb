"""Figures that took longer than a lesson has: measured beforehand, kept with where from and how."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from deployworkbook.validation import check_choice

NAMES = ("ablation", "decoder_student", "frontier", "pruning")


@cache
def read_results(name: str) -> dict[str, Any]:
    """Read kept figures of a measurement over several seeds.

    Args:
        name: ``"ablation"``: what a small variant loses without an ingredient of its recipe;
            ``"decoder_student"``: a small decoder, alone and taught by a larger one;
            ``"frontier"``: factor against accuracy lost, at equal training;
            ``"pruning"``: ways to choose weights, each at the learning rate that suits it.

    Returns:
        Under ``provenance`` the command that measures them again, version, machine and date; the
        figures under names of their own.

    Raises:
        ValueError: There are none of that name.

    >>> read_results("frontier")["provenance"]["command"]
    'pytest -m report -s tests/benchmarks/test_frontier.py'
    """
    check_choice("name", name, NAMES)
    file = resources.files(__name__) / f"{name}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
