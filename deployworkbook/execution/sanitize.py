"""HTML of a notebook's texts and outputs without what navigates, loads or executes.

A notebook's HTML may hold anything: scripts, forms, frames, ``<meta http-equiv=refresh>``,
``javascript:`` links. Only what is known to be still is let through: text, tables, lists, embedded
pictures, formulas, progress bars, and links that a reader follows by a click. The page's content
policy is the second barrier; against some of these, such as a refresh, it can do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bleach.css_sanitizer import ALLOWED_CSS_PROPERTIES, CSSSanitizer
from bleach.html5lib_shim import Filter
from bleach.sanitizer import Cleaner

TEXT = """
a abbr address article aside b bdi bdo blockquote br caption center cite code col colgroup dd del
details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li
main mark meter nav ol p pre progress q rp rt ruby s samp section small span strike strong sub
summary sup table tbody td tfoot th thead time tr tt u ul var wbr
""".split()  # noqa: SIM905 (fifty quoted words are harder to read)

# Presentation MathML, which is what formulas become.
MATH = """
math maligngroup malignmark menclose merror mfenced mfrac mi mlabeledtr mmultiscripts mn mo
mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd
mtext mtr munder munderover none
""".split()  # noqa: SIM905 (fifty quoted words are harder to read)

# Their content is no text of the page; it goes with them.
DROPPED = frozenset({"script", "style", "title", "textarea", "noscript", "template", "iframe"})

ATTRIBUTES = """
abbr align alt aria-describedby aria-hidden aria-label aria-labelledby border cellpadding
cellspacing class color colspan dir headers height high id lang low max min open optimum reversed
role rowspan scope size span start style title type valign value width
""".split()  # noqa: SIM905 (fifty quoted words are harder to read)

MATH_ATTRIBUTES = """
accent accentunder alttext bevelled close columnalign columnlines columnspacing columnspan
depth display displaystyle fence form frame height largeop linebreak linethickness lspace
mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits notation open
rowalign rowlines rowspacing rowspan rspace scriptlevel separator separators stretchy symmetric
voffset width xmlns
""".split()  # noqa: SIM905 (fifty quoted words are harder to read)

# What a reader may follow. Without a scheme it is a page or a heading beside this one.
SCHEMES = frozenset({"http", "https", "mailto"})
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")

# Nothing here takes an address, or takes a text out of its place over others.
STYLES = (
    (ALLOWED_CSS_PROPERTIES - {"cursor"})
    | frozenset(
        f"{name}{side}"
        for name in ("border", "margin", "padding")
        for side in ("", "-top", "-right", "-bottom", "-left")
    )
    | {"border-radius", "max-height", "max-width", "min-width", "opacity", "word-break"}
)


def sanitize(html: str) -> str:
    """Remove from a piece of HTML all that navigates, loads or executes.

    Args:
        html: A piece of a page's body, from whoever wrote the notebook.

    Returns:
        The piece with only what is known to do nothing by itself; each tag is closed.

    Source: the allow-list method of OWASP's Cross Site Scripting Prevention Cheat Sheet; Bleach.

    >>> sanitize('<b onclick="f()">x</b><script>alert(1)</script><a href="javascript:f()">y</a>')
    '<b>x</b><a>y</a>'
    """
    cleaner = Cleaner(
        tags=frozenset({*TEXT, *MATH, *DROPPED}),
        attributes=_is_allowed,
        protocols=SCHEMES | {"data"},
        strip=True,
        strip_comments=True,
        filters=[_WithoutContent],
        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES, allowed_svg_properties=()),
    )
    return str(cleaner.clean(html))


class _WithoutContent(Filter):  # type: ignore[misc]
    """Leaves out elements whose content is no text, together with it."""

    def __iter__(self) -> Iterator[Any]:
        depth = 0
        for token in Filter.__iter__(self):
            dropped = token.get("name", "") in DROPPED
            if dropped and token["type"] == "StartTag":
                depth += 1
            elif dropped and token["type"] == "EndTag":
                depth -= 1
            elif not dropped and depth == 0:
                yield token


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if tag in MATH:
        return name in MATH_ATTRIBUTES
    if tag == "img" and name == "src":
        return PICTURE.fullmatch(value) is not None
    if tag == "a" and name == "href":
        return not re.sub(r"[\x00-\x20]", "", value).lower().startswith("data:")
    return name in ATTRIBUTES
