"""Techniques that make the model smaller, one a file; each returns a variant that can be run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
