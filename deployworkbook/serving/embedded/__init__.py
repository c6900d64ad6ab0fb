"""A server of TensorFlow Serving's API in Python, for machines without TensorFlow Serving.

The layers, each imports only from those above it:

- ``errors``, ``local_paths``, ``flags``, ``ports``, ``metrics``, ``versions``,
  ``batching_parameters``: codes, command line, monitoring, policies; no TensorFlow.
- ``protos``: the messages of the API.
- ``config``: the files that flags name.
- ``tensors``, ``json_text``, ``json_writing``, ``json_values``, ``json_tensors``,
  ``json_examples``: tensors as
  protobuf and as JSON.
- ``servable``, ``batching``: a SavedModel in memory, and requests that run together.
- ``predict``, ``classify_regress``, ``warmup``: requests on a servable.
- ``models``, ``manager``: which versions of which models are loaded, and what changes that.
- ``service``: the API, whatever carries it; ``grpc_service`` and ``rest`` carry it.
- ``connections``, ``server``: limits of the REST port; the process.
"""
