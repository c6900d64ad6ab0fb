"""A package, so that it goes before those of the same name that others install."""
