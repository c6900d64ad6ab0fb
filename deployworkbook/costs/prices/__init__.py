"""Prices, with source and date, and assumptions, with range and reason.

- ``entries``: the types of entries (``field_entries``, ``token_entries``: those of small devices
  and of language models). ``catalog``: all of them by section and name.
- ``catalog_file``: reads ``catalog.toml`` and other files. ``plain``: the catalogue for JSON.
- ``changes``: what another file changes. ``note``: the prices' sources in one line.
- ``tiers``: the first GiB at one price, the next at another.
"""
