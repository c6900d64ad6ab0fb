"""Techniques that make the model smaller, one a file; each returns a variant that can be run."""
