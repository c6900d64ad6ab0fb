"""Put the page on which people draw a digit together: one file, which a policy confines.

The page has the drawing area and the way from lines to pixels; a script of its own asks whatever
answers: a server, or a model inside the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

PAGE = Path(__file__).with_name("page.html")


def compose_page(*, lead: str, script: str, choice: str = "", head: str = "") -> str:
    """Return the page as HTML.

    Args:
        lead: Sentences below the title that say what answers.
        script: JavaScript that defines ``ask``; ``page.html`` has what it can call.
        choice: HTML above the drawing area.
        head: HTML at the beginning of the head.
    """
    parts = {"<!--lead-->": lead, "/*ask*/": script, "<!--choice-->": choice, "<!--head-->": head}
    text = PAGE.read_text("utf-8")
    for place, part in parts.items():
        text = text.replace(place, part)
    return text


def policy_of(text: str, *more_scripts: str) -> str:
    """Return a content security policy that allows a page's own script and style, and nothing else.

    Args:
        text: The page, as ``compose_page`` returned it.
        *more_scripts: Further sources of scripts, such as ``'wasm-unsafe-eval'``.
    """
    scripts = " ".join([_hash(text, "script"), *more_scripts])
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(text, 'style')}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str, element: str) -> str:
    """Return a policy's word for the content of a page's only element of this name.

    >>> _hash("<style></style>", "style")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    (content,) = re.findall(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
