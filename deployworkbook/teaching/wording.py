"""Short texts whose only mark is the backtick, around code, for pages and for Markdown."""

from __future__ import annotations

import re
from html import escape

CODE = re.compile(r"`([^`]+)`")


def text_as_html(text: str) -> str:
    """Return a text as HTML, in which only code is marked.

    Args:
        text: A sentence or more, with code between backticks.

    >>> text_as_html("if a < b: `return a`")
    'if a &lt; b: <code>return a</code>'
    """
    return CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def text_as_markdown(text: str) -> str:
    r"""Return a text as Markdown that shows it as it is, except for code.

    Args:
        text: A sentence or more, with code between backticks.

    >>> print(text_as_markdown("a * b_c, and `a * b_c`"))
    a \* b\_c, and `a * b_c`
    """
    parts = CODE.split(text)
    return "".join(
        f"`{part}`" if place % 2 else re.sub(r"([\\`*_<\[\]$])", r"\\\1", part)
        for place, part in enumerate(parts)
    )
