"""Fill in the package's templates: Markdown as it is, HTML escaped."""

from __future__ import annotations

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
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        undefined=StrictUndefined,
        autoescape=template.name.endswith(".html.j2"),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(values)
