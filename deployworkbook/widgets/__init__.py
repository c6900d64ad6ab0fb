"""Explorers: controls, a plain function from their values to a result, and a view of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
