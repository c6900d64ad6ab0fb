"""Remove from a notebook's HTML everything that navigates, loads or executes.

A notebook's HTML may contain anything: scripts, forms, frames, ``<meta http-equiv=refresh>``,
``javascript:`` links. Only harmless elements pass: text, tables, lists, embedded pictures,
formulas, progress bars, and links to click. The page's content security policy is the second
barrier, but it can't stop some of these, such as a refresh.
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

# Presentation MathML, to which formulas are converted.
MATH = """
math maligngroup malignmark menclose merror mfenced mfrac mi mlabeledtr mmultiscripts mn mo
mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd
mtext mtr munder munderover none
""".split()  # noqa: SIM905 (fifty quoted words are harder to read)

# Elements removed together with their content, which is not part of the page's text.
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

# Links a reader may follow. A link without a scheme leads to a page or heading beside this one.
SCHEMES = frozenset({"http", "https", "mailto"})
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")

# None of these properties takes a URL or moves an element on top of others.
STYLES = (
    (ALLOWED_CSS_PROPERTIES - {"cursor"})
    | frozenset(
        f"{name}{side}"
        for name in ("border", "margin", "padding")
        for side in ("", "-top", "-right", "-bottom", "-left")
    )
    | {"border-radius", "max-height", "max-width", "min-width", "opacity", "word-break"}
    | {"flex", "flex-wrap", "overflow-x"}
)


def sanitize(html: str) -> str:
    """Remove everything that navigates, loads or executes from an HTML fragment.

    Args:
        html: A fragment of a page's body, from an untrusted author.

    Returns:
        The fragment with only elements known to be inert; every tag is closed.

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
    """Drop elements whose content is not text, including the content."""

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
