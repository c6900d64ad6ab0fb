"""What things cost, with source and date; and what is assumed, with range and reason.

- ``catalog``: the entries, checked. ``catalog_file``: reads ``catalog.toml`` and other files.
- ``changes``: what another file changes. ``note``: where prices come from, in a line.
- ``tiers``: the first GiB at one price, the next at another.
"""
