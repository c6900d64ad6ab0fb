"""A deployment plan on a page and an annex.

- ``making``: its contents. ``sections``: what the page has, from ``decision``, ``risks``,
  ``serving`` (the commands) and ``figures``; ``words`` names assumptions.
- ``text``: the page as Markdown and HTML. ``files``: written to a folder.
"""
