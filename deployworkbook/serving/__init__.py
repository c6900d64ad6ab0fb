"""TensorFlow Serving's API: a server of our own, and tools that work with any server of it.

Each imports only from those above it:

- ``api``: messages, arrays, error codes and configuration files.
- ``security``: certificates and tokens.
- ``signing``: a publisher's key, and versions signed with it.
- ``embedded``: our server; only its SavedModels need TensorFlow.
- ``client``: clients over gRPC and REST, whose errors say what to do.
- ``repository``: the versions of a model on disk.
- ``launcher``: starts TensorFlow Serving's binary, its container or our server.
- ``load``: sends load to a server and measures it.
- ``release``: rolls a new version out, or tries it on part of the traffic first.
- ``probing``: checks a deployed model from outside.

Publish a version, serve it, and ask:

    from deployworkbook.serving import (
        CountingRelay,
        ModelRepository,
        RequestError,
        connect,
        start,
    )

    repository = ModelRepository(current_workspace().published / "digits")
    version = repository.publish(saved_model)
    with start(repository.base_path, model_name="digits") as server:
        with CountingRelay(server.grpc_address) as relay, connect(relay.address) as client:
            try:
                print(client.predict({"image": images}, model="digits"))
            except RequestError as error:
                print(error.remedy)

A version can be a SavedModel, a LiteRT file or an ONNX file. Publish an artifact of the runtime
``litert``, and the next version has the same names of inputs and outputs as the one before, so
clients needn't change.

Sign a version, and check it as a server with ``--trusted_key_file`` does before it opens anything:

    from deployworkbook.serving import SignatureError, read_public_key, signing_key, verify_folder

    key = signing_key()
    version = repository.publish(lite_model, parent=1, made_by="int8", key=key)
    try:
        verify_folder(version.path, read_public_key(key.public_path))
    except SignatureError as error:
        print(error)

Write its model card, see which version came from which, compare two, and hand one to MLflow:

    from deployworkbook.serving import (
        compare_versions,
        export_to_mlflow,
        import_from_mlflow,
        lineage_of,
        make_card,
        write_card,
    )

    card = make_card(version, ledger.entries(), limits=["Not for cheques."])
    write_card(version, card, key=key)
    print(lineage_of(repository).versions)
    print(compare_versions(repository.version(1), version, images, labels).gain_interval)
    folder = export_to_mlflow(version, "mlflow-model")
    import_from_mlflow(folder, repository)

Send load to a server, from a fixed number of clients or at a fixed rate:

    from deployworkbook.serving import (
        closed_loop,
        load_target,
        measure_service_times,
        open_loop,
        start_closed_loop,
        start_open_loop,
    )

    target = load_target(server.grpc_address, {"image": images}, model="digits")
    busy = closed_loop(target, 4, seconds=2)
    steady = open_loop(target, rate_per_s=200, seconds=2)
    running = start_open_loop(target, rate_per_s=200, seconds=10)  # meanwhile, roll out
    result = running.wait()
    other = start_closed_loop(target, 4, seconds=10).wait()
    times = measure_service_times(target, requests=2400)  # for a plan's p99

Put a web app of your own beside it; ``code`` listens on the port in ``sys.argv[1]``:

    from deployworkbook.serving import start_web_app

    with start_web_app(code, "model.onnx") as app:
        print(app.address)

Bring a new version into a running server, and judge it on part of the traffic:

    from deployworkbook.serving import CanaryRouter, Criteria, compare_canary, roll_out

    repository.label("canary", version.number)
    roll_out(client, {"digits": repository})
    router = CanaryRouter(client, "digits", share=0.1)
    verdict = router.compare(Criteria(accuracy_loss=0.015))
    again = compare_canary(router.result("stable"), router.result("canary"), Criteria())

Record what a released model answers, and check later, from outside, whether it still does:

    from deployworkbook.serving import Golden, probe, record_golden

    golden = record_golden(server.rest_address, images, labels, model="digits")
    for check in probe(server.rest_address, Golden.from_json(golden.to_json())):
        print(check)

Encrypt the connections, and let in only who has a token:

    from deployworkbook.serving import Certificates, Trust, make_certificates, make_token

    certificates = make_certificates(current_workspace().root / "tls", hosts=["10.0.0.7"])
    token_file = make_token(current_workspace().root / "token")
    with start(repository.base_path, tls=certificates, bearer_token_file=token_file) as server:
        client = connect(server.rest_address, tls=certificates.ca, token=token_file)
    mutual = Trust(certificates.ca, Path("client.pem"), Path("client.key"))
    own = Certificates(Path("our-ca.pem"), ssl_config=Path("server.config"))

``compare_canary`` compares two results that you already have. To see the command that starts a
server, and its model config:

    from deployworkbook.serving import Backend, config_text, server_command

    words = server_command(Backend("container", "", "docker"), {"port": 8500}, name="digits")
    config = config_text({"digits": repository.served()})
"""

import os

import lazy_loader

# gRPC reads it when it loads. Its core notes each failed handshake on stderr, several times over;
# the exceptions say what was wrong.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
