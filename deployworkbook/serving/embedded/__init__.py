"""A Python server of TensorFlow Serving's API, for machines without TensorFlow Serving.

Each layer imports only from those above it:

- ``errors``, ``local_paths``, ``flags``, ``ports``, ``metrics``, ``versions``,
  ``batching_parameters``: errors, command line, metrics, version policies; no TensorFlow.
- ``protos``: the API's messages.
- ``config``: the files that flags name.
- ``tensors``, ``json_text``, ``json_writing``, ``json_values``, ``json_tensors``,
  ``json_examples``: tensors as protobuf and as JSON.
- ``servable``, ``batching``: a SavedModel in memory, and requests that run as one batch.
- ``predict``, ``classify_regress``, ``warmup``: the requests a servable answers.
- ``models``, ``manager``: the loaded versions of each model, and how they change.
- ``service``: the API, independent of the protocol; ``grpc_service`` and ``rest``: the protocols.
- ``connections``, ``server``: limits of the REST port; the server's process.
"""
