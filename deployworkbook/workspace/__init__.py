"""A learner's folder: where its files are, how they are written, and cached results."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
