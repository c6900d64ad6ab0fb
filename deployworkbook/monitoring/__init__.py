"""A model in production, watched: does it answer, quickly, as at release, and rightly?

- ``counting``, ``objectives``: PromQL that counts from the first event on, and alerts from an
  objective; ``objective_scenes`` says what they must do, for promtool.
- ``rule_files``, ``alertmanager``: the files that Prometheus, promtool and Alertmanager read.
- ``records``, ``fingerprints``, ``reports``: a JSON line per request, and thousands of failures as
  a few faults.
- ``profile``, ``detectors``, ``thresholds``, ``drift_watch``: what the model saw at release, and
  detectors that compare with it, with thresholds from a wanted rate of false alarms.
- ``exporter``, ``watched_client``: metrics by version, counted where answers arrive.
- ``queries``, ``panels``: what to show, for Prometheus and for our own ``exposition`` reader.
- ``tools``, ``prometheus_process``, ``alertmanager_process``, ``watching``: Prometheus and
  Alertmanager as processes, or our reader without them.

Describe a model at release, and choose thresholds that one clean stream in a hundred exceeds:

    from deployworkbook.monitoring import DriftWatch, calibrate, load_profile, make_profile

    known = {"model_sha256": version_hash, "labels": validation_labels}
    profile = make_profile(validation_images, probabilities, **known)
    profile.save(folder / "profile.npz")
    detectors = calibrate(load_profile(folder / "profile.npz"), false_alarms=0.01)

Watch a client's predictions, also those of a canary router:

    from deployworkbook.monitoring import Exporter, RequestLog, WatchedClient, error_report

    exporter, log = Exporter("digits", versions=[1, 2]), RequestLog(folder / "requests.jsonl")
    certain = profile.certainty_threshold
    drift = DriftWatch(detectors, exporter=exporter, certainty_threshold=certain)
    client = WatchedClient(connect(address), exporter=exporter, log=log, drift=drift)
    router = CanaryRouter(client, "digits", stable=1, canary=2, share=0.1)
    router.predict({"image": images})
    print(drift.findings(), drift.estimated_accuracy(), error_report(log.path))

Read the metrics with a Prometheus where there is one, and send alerts to a webhook:

    from deployworkbook.monitoring import (
        MODEL_PANELS,
        SERVER_PANELS,
        Alert,
        Alertmanager,
        FailedShare,
        Group,
        Objective,
        Panel,
        burn_groups,
        events,
        rules_text,
        share,
        watch,
    )

    broken = Alert("VersionDoesNotLoad", events("loads_failed", "10m") + " > 0", "…", "…")
    objective = Objective(0.999, failed=('requests{code!="OK"}',), requests=("requests",))
    groups = [Group("serving", (broken,)), *burn_groups(objective)]
    print(rules_text(groups), share(objective.failed, objective.requests, "1h"))
    with Alertmanager(folder=folder, webhooks=[page_me]) as manager, exporter.serve() as serving:
        addresses = [server.metrics_address, f"http://{serving.address}/metrics"]
        with watch(addresses, groups=groups, alertmanager=manager.host_and_port) as watching:
            print(watching.kind, watching.why)
            print(watching.show((*SERVER_PANELS, *MODEL_PANELS)))
            last = Panel("Failed lately", "", {"": FailedShare("requests", "code", ("OK",), "9s")})
            print(watching.firing(), watching.show([last]))
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
