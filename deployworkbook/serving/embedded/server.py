"""The server's process: load models, open the ports, and finish running requests at the end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from deployworkbook.serving.api.addresses import host_and_port, is_loopback
from deployworkbook.serving.embedded import config, connections, demo, guard, handshakes
from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.batching_parameters import Batching
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.descriptors import affordable_connections
from deployworkbook.serving.embedded.errors import ServingError
from deployworkbook.serving.embedded.flags import Options, complaint
from deployworkbook.serving.embedded.grpc_service import GrpcServer
from deployworkbook.serving.embedded.loading import open_engine, read_trusted, trusted_folder
from deployworkbook.serving.embedded.logs import log_to_stderr
from deployworkbook.serving.embedded.manager import Manager, every
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.peers import Peers, Place
from deployworkbook.serving.embedded.ports import bound
from deployworkbook.serving.embedded.repeated_lines import SECONDS, FirstOfAKind
from deployworkbook.serving.embedded.servable import Servable
from deployworkbook.serving.embedded.service import Service
from deployworkbook.serving.embedded.signals import ending_signals as ending_signals
from deployworkbook.serving.embedded.signals import set_on_end
from deployworkbook.serving.embedded.tls import read_context, read_credentials
from deployworkbook.serving.embedded.warmup import warm_up
from deployworkbook.serving.embedded.web import web_server
from deployworkbook.serving.embedded.workers import Workers, configured

log = logging.getLogger(__name__)

BACKLOG = 1024


def run(options: Options, *, parent_id: int | None = None, place: Place | None = None) -> NoReturn:
    """Serve until a signal arrives, then exit with 0.

    Args:
        options: The options of the command line.
        parent_id: The parent's process ID (default: the current parent). Pass the one from before
            TensorFlow's import, since the parent may end during it.
        place: This process's place among several workers; ``None`` for a server of one process.

    Raises:
        OSError: A port is taken, or a file can't be read.
        ValueError: A file is invalid, or a model can't be loaded.
    """
    log_to_stderr(f"worker {place.number}: " if place else "")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    stopped = threading.Event()
    repeated = FirstOfAKind()
    for name in ("asyncio", connections.log.name, handshakes.log.name, guard.log.name):
        logging.getLogger(name).addFilter(repeated)
    every(SECONDS, repeated.report, until=stopped, name="Counting log lines")
    set_on_end(stopped)
    try:
        Server(options, stopped, parent_id=parent_id, place=place).run()
    except ServingError as error:
        raise ValueError(error.text) from error
    # A regular exit would crash if a thread still runs a model for a client that has given up.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


class Server:
    """Both ports and the models behind them.

    Args:
        options: The options of the command line.
        stopped: Stops the server when set.
        parent_id: The process that the server ends with, if ``--stop_with_parent`` is given.
        place: Its place among several workers.
    """

    def __init__(
        self,
        options: Options,
        stopped: threading.Event,
        *,
        parent_id: int | None = None,
        place: Place | None = None,
    ) -> None:
        if place is not None and not options.tensorflow_intra_op_parallelism:
            share = max(1, (os.cpu_count() or 1) // options.num_workers)
            options = replace(options, tensorflow_intra_op_parallelism=share)
        self._peers = Peers(place, stopped) if place else None
        self._parent_id = os.getppid() if parent_id is None else parent_id
        self._options = options
        self._stopped = stopped
        self._metrics = Metrics()
        self._budget = MemoryBudget(
            request_bytes=options.max_request_memory_bytes,
            in_flight_bytes=options.max_in_flight_memory_bytes,
        )
        self._sockets = (
            [bound(options.host, options.rest_api_port, shared=place is not None)]
            if options.rest_api_port
            else []
        )
        self._metrics_path = (
            config.read_metrics_path(options.monitoring_config_file)
            if options.monitoring_config_file
            else None
        )
        self._trusted = read_trusted(options.trusted_key_file)
        self._guard = guard.guard_of(options)
        grpc_tls, rest_tls = options.ssl_config_file, options.rest_api_ssl_config_file
        self._credentials = read_credentials(grpc_tls) if grpc_tls else None
        self._context = read_context(rest_tls) if rest_tls else None
        _warn_if_wide(options, self._guard)
        self._batcher = _batcher(options, self._metrics, self._budget)
        self._manager = Manager(
            self._load,
            retries=options.max_num_load_retries,
            retry_wait_s=options.load_retry_interval_micros / 1e6,
            early_labels=options.allow_version_labels_for_unavailable_models,
            closed=stopped,
        )

    def run(self) -> None:
        """Load the models, open the ports, and serve until stopped."""
        ports = bool(self._options.port) + bool(self._options.rest_api_port)
        most = affordable_connections(self._options.max_connections, ports=ports)
        options = self._options = replace(self._options, max_connections=most)
        # Imported modules stay, so the garbage collector, which frees old models, can skip them.
        gc.collect()
        gc.freeze()
        self._watch_parent()
        changed = self._peers.start() if self._peers else None
        models = self._configured() or [] if changed is None else configured(changed)
        self._manager.start(models, poll_s=options.file_system_poll_wait_seconds)
        if self._stopped.is_set():
            return
        self._watch()
        workers = Workers(self._peers, self._manager, self._metrics) if self._peers else None
        service = Service(self._manager, self._metrics, workers)
        grpc_server = GrpcServer(
            service,
            options,
            self._budget,
            credentials=self._credentials,
            guard=self._guard,
            shared=workers is not None,
        )
        if options.port:
            grpc_server.start()
            log.info(
                "Running gRPC ModelServer at %s ...", host_and_port(options.host, options.port)
            )
        web = web_server(
            service,
            options,
            self._metrics,
            self._budget,
            self._batcher,
            metrics_path=self._metrics_path,
            guard=self._guard,
            tls=self._context,
        )
        web_thread = threading.Thread(
            target=web.run, kwargs={"sockets": self._sockets}, name="rest", daemon=True
        )
        if options.rest_api_port:
            web_thread.start()
            while not web.started and web_thread.is_alive():
                self._stopped.wait(0.005)
            for listening in self._sockets:
                # Connections beyond ACCEPTED_AT_ONCE wait in the system's queue.
                listening.listen(BACKLOG)
            log.info(
                "Exporting HTTP/REST API at:%s ...",
                host_and_port(options.host, options.rest_api_port),
            )
            if options.demo:
                address = host_and_port(options.host, options.rest_api_port)
                scheme = "http" if self._context is None else "https"
                log.info("Demo page: %s://%s%s", scheme, address, demo.PATH)
        if workers is None:
            log.info("Ready.")
        else:
            workers.ready()
        self._stopped.wait()
        log.info("Stopping: no new requests; running ones have %g s.", options.drain_seconds)
        web.should_exit = True
        grpc_server.stop(options.drain_seconds)
        if options.rest_api_port:
            web_thread.join(options.drain_seconds + 1)
        self._manager.close()
        if self._batcher:
            self._batcher.close()
        log.info("Stopped.")

    def _load(self, name: str, number: int, path: Path) -> Servable:
        options = self._options
        started = time.perf_counter()
        with contextlib.ExitStack() as held:
            try:
                folder = held.enter_context(trusted_folder(path, self._trusted))
                engine = open_engine(folder, options)
            except ServingError:
                self._metrics.load_attempts.add(str(path), "fail")
                raise
            servable = Servable(
                name, number, engine, batcher=self._batcher, observe=partial(self._observe, name)
            )
            self._metrics.load_attempts.add(str(path), "success")
            self._metrics.load_latency.add(str(path), amount=(time.perf_counter() - started) * 1e6)
            if options.enable_model_warmup:
                warm_up(servable, folder, self._metrics, self._budget)
        return servable

    def _observe(self, model: str, api: str, runtime: str, microseconds: float) -> None:
        self._metrics.runtime_latency.observe(model, api, runtime, value=microseconds)

    def _configured(self) -> list[config.ModelConfig] | None:
        options = self._options
        if options.model_config_file:
            return config.read_models(options.model_config_file)
        if options.model_base_path is None:
            raise ValueError(complaint(options))
        return [config.checked(config.ModelConfig(options.model_name, options.model_base_path))]

    def _watch(self) -> None:
        options = self._options
        every(
            options.file_system_poll_wait_seconds,
            self._manager.poll,
            until=self._stopped,
            name="Looking for versions",
        )
        if options.model_config_file:
            every(
                options.model_config_file_poll_wait_seconds,
                self._read_again,
                until=self._stopped,
                name="Reading the model config file",
            )

    def _read_again(self) -> None:
        models = self._configured()
        if models is None:
            log.info("Taking no action for empty config.")
        else:
            self._manager.apply(models)

    def _watch_parent(self) -> None:
        if self._options.stop_with_parent:
            every(
                0.2,
                lambda: self._stopped.set() if os.getppid() != self._parent_id else None,
                until=self._stopped,
                name="Looking for the parent",
            )


def _batcher(options: Options, metrics: Metrics, budget: MemoryBudget) -> Batcher | None:
    if not options.enable_batching:
        return None
    if options.batching_parameters_file:
        return Batcher(config.read_batching(options.batching_parameters_file), metrics, budget)
    return Batcher(Batching(), metrics, budget)


def _warn_if_wide(options: Options, guarded: guard.Guard | None) -> None:
    if is_loopback(options.host):
        return
    if guarded is None or guarded.tokens is None:
        log.warning(
            "Listening on %s: everybody who reaches this machine can use the models and replace "
            "their configuration; there is no password. The default is 127.0.0.1. A token keeps "
            "others out: --bearer_token_file.",
            options.host,
        )
    for port, tls, flag in (
        (options.port, options.ssl_config_file, "ssl_config_file"),
        (options.rest_api_port, options.rest_api_ssl_config_file, "rest_api_ssl_config_file"),
    ):
        if port and tls is None and guarded is not None and guarded.tokens is not None:
            log.warning(
                "Listening on %s without TLS: whoever sees the network's packets reads the "
                "tokens, the requests and the answers. Give --%s.",
                host_and_port(options.host, port),
                flag,
            )
