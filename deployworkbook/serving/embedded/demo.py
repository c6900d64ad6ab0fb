"""A page on which people draw a digit and see what the model answers (``--demo``).

The page is one file without requests to other servers. Its policy allows this file's own script and
style by their hashes, and connections to the server that it came from; a browser refuses all else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from starlette.responses import Response

PATH = "/demo"
_MODELS = "<!--models-->"


def demo_page(models: Iterable[str]) -> Response:
    """Make the page.

    Args:
        models: The names to choose from.
    """
    text, policy = _page()
    options = "".join(f"<option>{html.escape(name)}</option>" for name in models)
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(text.replace(_MODELS, options), media_type="text/html", headers=headers)


@cache
def _page() -> tuple[str, str]:
    """Read the file; return it and its policy."""
    text = Path(__file__).with_suffix(".html").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(text, 'script')}; "
        f"style-src {_hash(text, 'style')}; img-src data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _hash(text: str, element: str) -> str:
    """Return a policy's word for the content of a page's only element of this name.

    >>> _hash("<style></style>", "style")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    (content,) = re.findall(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
