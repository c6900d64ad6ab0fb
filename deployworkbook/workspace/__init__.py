"""A learner's folder: where files live, how they are written, and results that are made once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
