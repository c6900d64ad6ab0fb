"""Fill in the package's templates: Markdown as it is, HTML escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: Path, **values: object) -> str:
    """Fill in a Jinja template; it may include others of its folder.

    Args:
        template: A file such as ``page.html.j2``. Values are escaped in ``.html.j2`` files only.
        values: What the template names.

    Raises:
        jinja2.UndefinedError: The template names something that wasn't given.
    """
    return (
        _environment(template.parent, template.name.endswith(".html.j2"))
        .get_template(template.name)
        .render(values)
    )


@cache
def _environment(folder: Path, autoescape: bool) -> Environment:
    """Return the environment of a folder, which keeps its compiled templates."""
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701 (only HTML is escaped)
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
