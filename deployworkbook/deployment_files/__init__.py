"""Files for serving the published models elsewhere: a container, Compose, Kubernetes.

- ``bundle``: which models, at which versions, in which image.
- ``container``: TensorFlow Serving's own files and flags, and each image's labels and health check.
- ``openvino``: the file and flags of OpenVINO Model Server, which takes ONNX files.
- ``monitoring``, ``openvino_monitoring``: the queries of Prometheus' alerts and Grafana's
  ``dashboard``, for each of the two; ``servers``: what the files say of each.
- ``outside``: tests of the deployed models from outside, with golden images.
- ``texts``: all files by path, filled in from ``templates``; ``writing`` writes them to disk.
"""
