"""The schemas of notebooks and of Jupyter, without a grammar that takes seconds to load."""

from __future__ import annotations

import sys

# jsonschema, which nbformat and Jupyter check their data with, loads a grammar of internationalised
# addresses (IRIs) as it is imported, and does without where this package cannot be imported.
_GRAMMAR = "rfc3987_syntax"


def forget_addresses() -> None:
    """Leave out the check of IRIs, which no notebook has; before ``nbformat`` or JupyterLab loads.

    It takes longer to load than all else that a run needs, in each process.

    >>> forget_addresses()
    >>> import nbformat
    """
    # None in place of a module makes its import fail.
    sys.modules.setdefault(_GRAMMAR, None)  # type: ignore[arg-type]
