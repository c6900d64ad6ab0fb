"""Files with which others serve the published models: a container, compose, Kubernetes.

- ``bundle``: which models, at which versions, in which image.
- ``container``: the Dockerfile, the server's own files, and compose.
- ``kubernetes``: the manifests.
- ``monitoring``: Prometheus, its alerts, and Grafana's dashboard.
- ``texts``: all of these by path; ``writing`` brings them to the disk.
"""
