"""Forms of the model that can be run, one file a platform, and the benchmark that measures them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
