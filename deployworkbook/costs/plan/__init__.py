"""A deployment plan on one page.

- ``making``: its contents. ``sections``: its wording. ``text``: the page as Markdown and HTML.
"""
