"""Explorers: controls, a plain function from their values to a result, and a view of it."""
