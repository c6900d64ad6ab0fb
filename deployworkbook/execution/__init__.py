"""Notebooks run without a browser: in parallel, under time limits, into pages that read offline."""
