"""A page on which people draw a digit and see what the model answers (``--demo``).

The page is one file without requests to other servers. Its policy allows this file's own script and
style by their hashes, and connections to the server that it came from; a browser refuses all else.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from starlette.responses import Response

from deployworkbook.edge.digit_page.composing import compose_page, policy_of

PATH = "/demo"
LEAD = "This page sends its pixels to the server's REST API and shows the answer."
_MODELS = "<!--models-->"
_CHOICE = f'<p id="which" hidden><label>Model <select id="model">{_MODELS}</select></label></p>\n'


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
    """Put the page together; return it and its policy."""
    script = Path(__file__).with_suffix(".js").read_text("utf-8")
    text = compose_page(lead=LEAD, script=script, choice=_CHOICE)
    return text, f"{policy_of(text)}; connect-src 'self'; frame-ancestors 'none'"
