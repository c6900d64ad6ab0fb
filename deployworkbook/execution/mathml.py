"""Convert formulas to MathML, which browsers render without scripts."""

from __future__ import annotations

import re
from html import unescape

from latex2mathml import exceptions
from latex2mathml.converter import convert

# latex2mathml's exceptions have no common base; some invalid formulas raise an IndexError.
LATEX_ERRORS: tuple[type[Exception], ...] = (
    *(
        each
        for each in vars(exceptions).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ),
    IndexError,
    KeyError,
)

# Replacements for commands that latex2mathml doesn't know.
REPLACEMENTS = (
    (re.compile(r"\\(begin|end)\{(?:aligned|gathered|eqnarray)\*?\}"), r"\\\1{align*}"),
    (re.compile(r"\\arg\s*\\(min|max)\b"), r"\\operatorname{arg\\,\1}"),
    (re.compile(r"\\arg\b"), r"\\operatorname{arg}"),
    # These would grow with what stands in the same row.
    (re.compile(r"(?<!\\left)(?<!\\right)\\[lr]Vert\b"), r"\\|"),
    # A logarithm keeps its distance, as in LaTeX: y log p, not ylogp.
    (re.compile(r"(?<=[A-Za-z0-9})])\s+\\(log|ln)(?![A-Za-z])"), r" \\,\\\1"),
    (
        re.compile(
            r"\\(log|ln)(?![A-Za-z])((?:_[A-Za-z0-9])?)\s*(?=[A-Za-z0-9\\])(?!\\(?:left\b|,))"
        ),
        r"\\\1\2\\, ",
    ),
)

# Unknown commands, and column separators outside a table, come back as identifiers.
LEFT_OVER = re.compile(r"<m[io]>(\\[a-zA-Z]+|&(?:amp;)?)</m[io]>")


def mathml(latex: str, *, display: bool) -> str:
    """Convert a LaTeX formula to MathML.

    Args:
        latex: The formula, without dollar signs.
        display: Whether the formula is on its own line.

    Returns:
        A ``<math>`` element with the LaTeX as its alternative text.

    Raises:
        ValueError: The formula can't be converted; the message quotes it.

    >>> mathml("x_1", display=False)[-53:]
    '<mrow><msub><mi>x</mi><mn>1</mn></msub></mrow></math>'
    """
    source = latex.strip()
    for pattern, replacement in REPLACEMENTS:
        source = pattern.sub(replacement, source)
    try:
        converted = convert(source, display="block" if display else "inline")
    except LATEX_ERRORS as error:
        raise ValueError(_message(latex, type(error).__name__)) from error
    left_over = LEFT_OVER.search(converted)
    if left_over:
        raise ValueError(_message(latex, f"{unescape(left_over[1])} is unknown"))
    return str(converted)


def _message(latex: str, reason: str) -> str:
    return f"The formula {latex.strip()!r} can't be converted to MathML: {reason}. Rewrite it."
