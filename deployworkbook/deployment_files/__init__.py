"""Files for serving the published models elsewhere: a container, Compose, Kubernetes.

- ``bundle``: which models, at which versions, in which image.
- ``container``: the server's own files, flags, labels and health check.
- ``monitoring``: the queries of Prometheus' alerts and Grafana's dashboard.
- ``texts``: all files by path, filled in from ``templates``; ``writing`` writes them to disk.
"""
