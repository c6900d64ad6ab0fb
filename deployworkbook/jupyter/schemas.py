"""The schemas of notebooks and of Jupyter, without two grammars that take long to load."""

from __future__ import annotations

import sys

# jsonschema, which nbformat and Jupyter check their data with, loads grammars of internationalised
# addresses (IRIs) and of durations as it is imported, and does without where these packages cannot
# be imported.
_GRAMMARS = ("rfc3987_syntax", "isoduration")


def forget_grammars() -> None:
    """Leave out the checks of IRIs and durations; before ``nbformat`` or JupyterLab loads.

    No notebook has any, and they take longer to load than all else that a run needs, in each
    process.

    >>> forget_grammars()
    >>> import nbformat
    """
    for grammar in _GRAMMARS:
        # None in place of a module makes its import fail.
        sys.modules.setdefault(grammar, None)  # type: ignore[arg-type]
