"""A Python server of TensorFlow Serving's API, for machines without TensorFlow Serving.

Each layer imports only from those above it:

- ``errors``, ``local_paths``, ``flags``, ``ports``, ``logs``, ``signals``, ``metrics``,
  ``versions``, ``batching_parameters``, ``threads``, ``pace``: errors, command line, metrics,
  version policies, threads.
- ``rates``, ``guard``; ``tls``, ``handshakes``: who may use the server and how often; encryption.
- ``protos``: the API's messages, without TensorFlow.
- ``config``: the files that flags name.
- ``tensors``, ``json_text``, ``json_writing``, ``json_values``, ``json_tensors``,
  ``json_examples``: tensors as protobuf and as JSON.
- ``engine``: what runs a model file. ``savedmodel_engine``, ``litert_engine``, ``onnx_engine``: by
  TensorFlow, LiteRT and ONNX Runtime, with ``lending`` and ``pieces``; ``loading`` chooses.
- ``batches``, ``batching``, ``servable``: requests that run as one batch, and a version as requests
  use it.
- ``predict``, ``classify_regress``, ``warmup``: the requests a servable answers.
- ``models``, ``manager``: the loaded versions of each model, and how they change.
- ``switchboard``, ``supervisor``; ``peers``, ``workers``: the parent of several processes on the
  same ports, without TensorFlow; and what each of them knows of the others.
- ``service``: the API, independent of the protocol; ``grpc_service`` and ``rest``: the protocols.
- ``express_requests``, ``express_predict``: the short way of ordinary predict requests over REST.
- ``connections``, ``heads``, ``express``, ``guarded_rest``, ``web``, ``server``: the REST port, and
  the process.
"""
