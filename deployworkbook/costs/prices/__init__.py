"""Prices, with source and date, and assumptions, with range and reason.

- ``catalog``: the types of entries. ``catalog_file``: reads ``catalog.toml`` and other files.
- ``changes``: what another file changes. ``note``: the prices' sources in one line.
- ``tiers``: the first GiB at one price, the next at another.
"""
