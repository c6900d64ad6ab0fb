"""The TensorFlow Serving API: the server that the workbook brings, and what speaks to any.

- ``embedded``: a server of the API, the only part that needs TensorFlow.
- ``launcher``: starts TensorFlow Serving's binary, its container or the embedded server.
- ``descriptions``, ``messages``, ``arrays``, ``codes``, ``api_types``: what the API carries.
- ``client``, ``grpc_client``, ``rest_client``, ``connecting``: clients, with ``client_errors`` and
  ``remedies`` for what goes wrong.
- ``repository``, with ``publishing``, ``published``, ``repository_state``, ``version_folders``: the
  versions of a model on disk; ``model_config`` and ``rollout`` bring them into a server.
- ``canary``, ``comparison``: two versions side by side, and a verdict.
- ``load``, with ``arrivals`` and the modules named ``load_…``: load on a server, measured.
"""
