"""The TensorFlow Serving API: the server that the workbook brings, and what speaks to any.

Each imports only from those above it:

- ``api``: what the API carries, and what a server reads: messages, arrays, codes, configuration.
- ``embedded``: a server of the API, the only part that needs TensorFlow.
- ``client``: clients by gRPC and by REST, and what to do about an error.
- ``repository``: the versions of a model on disk.
- ``launcher``: starts TensorFlow Serving's binary, its container or the embedded server.
- ``load``: load on a server, measured.
- ``release``: a new version beside the old one: roll-out, canary, and a verdict.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
