"""A deployment plan on one page.

- ``making``: what it rests on. ``sections``: what it says. ``text``: as Markdown and as HTML.
"""
