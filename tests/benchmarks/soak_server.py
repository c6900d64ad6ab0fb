"""A soak of the model server: swaps, a kill and a full disk under steady load.

``python -m tests.benchmarks.soak_server --minutes 10 --folder /a/small/file/system`` publishes a
version every ten seconds while requests go on over gRPC and REST, without any retries. Half-way the
server is killed with SIGKILL and started again. From time to time the disk is filled up before a
publication, which then has to fail and leave nothing. It prints what happened, and ends with 1
where a request failed outside the kill's window, an answer was wrong or something was left.

With ``--workers 2``, half-way a worker is killed instead, which the server replaces by itself.

The folder should be a file system of its own, such as a tmpfs of 24 MB, since it is filled up.
"""

import argparse
import collections
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
import psutil
import requests

from deployworkbook.serving.api import messages
from deployworkbook.serving.api.arrays import to_proto
from deployworkbook.serving.api.version_folders import version_folders
from deployworkbook.serving.repository.model_repository import ModelRepository
from tests.serving import models
from tests.serving.conftest import ADDRESS, free_port

SWAP_S, FULL_EVERY = 10.0, 6  # every sixth publication meets a full disk
BALLAST_BYTES = 2**20  # what a version weighs
SPARE_BYTES = (-(2**19), 2048, 8192, 10240, 14336, 16384, 18432)
GRACE_S = 2.0  # for channels to connect again after the start
NAME = "soak"
WORKER_SERVES = "Exporting HTTP/REST API"


class Server:
    """The server's process, which can be killed and started again on the same ports."""

    def __init__(self, base: Path, log: Path, workers: int) -> None:
        self.base, self.log, self.workers = base, log, workers
        self.port, self.rest_port = free_port(), free_port()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        flags = {
            "model_name": NAME,
            "model_base_path": f"file://{self.base}",
            "port": self.port,
            "rest_api_port": self.rest_port,
            "file_system_poll_wait_seconds": 0.5,
            "max_num_load_retries": 0,
            "num_workers": self.workers,
        }
        offset = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "deployworkbook", "serve"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in flags.items())], stderr=log
            )
        while "Ready." not in self.log.read_text()[offset:]:
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text()[offset:])
            time.sleep(0.05)

    def replace(self) -> None:
        """Kill it and start it again; if it has workers, kill one and wait for the next."""
        if self.workers == 1:
            self.process.kill()
            self.process.wait()
            self.start()
            return
        serving = self.log.read_text().count(WORKER_SERVES)
        psutil.Process(self.process.pid).children()[0].kill()
        while self.log.read_text().count(WORKER_SERVES) == serving:
            time.sleep(0.05)

    def rss_mb(self) -> float:
        """Its resident memory, with its workers', MB."""
        process = psutil.Process(self.process.pid)
        return sum(each.memory_info().rss for each in (process, *process.children())) / 1e6


class Load:
    """Threads that ask over and over, and note what fails, with its time."""

    def __init__(self, server: Server, rate_per_thread: float) -> None:
        self.server, self.pause_s = server, 1 / rate_per_thread
        self.stopped = threading.Event()
        self.sent, self.failures, self.wrong = collections.Counter(), [], []
        self.seen: dict[int, set[float]] = collections.defaultdict(set)
        self.threads = [
            threading.Thread(target=self._repeat, args=(kind, make))
            for kind, make in (("gRPC", self._grpc), ("REST", self._rest))
            for _ in range(2)
        ]
        for thread in self.threads:
            thread.start()

    def _repeat(self, kind, make) -> None:
        ask = make()
        x = 0.0
        while not self.stopped.wait(self.pause_s):
            x = (x + 1) % 1000
            started = time.monotonic()
            try:
                y, version = ask(x)
            except (grpc.RpcError, requests.RequestException) as error:
                self.failures.append((started, time.monotonic(), kind, repr(error)[:300]))
            else:
                added = y - x / 2
                if added not in range(1, 6):
                    self.wrong.append((kind, x, y))
                if version is not None:
                    self.seen[version].add(added)
            self.sent[kind] += 1

    def _grpc(self):
        channel = grpc.insecure_channel(
            f"{ADDRESS}:{self.server.port}",
            [
                ("grpc.enable_retries", 0),
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        call = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=messages.PredictResponse.FromString,
        )

        def ask(x):
            request = messages.PredictRequest()
            request.model_spec.name = NAME
            request.inputs["x"].CopyFrom(to_proto(np_float32(x)))
            answer = call(request, timeout=10)
            return answer.outputs["y"].float_val[0], answer.model_spec.version.value

        return ask

    def _rest(self):
        session = requests.Session()
        session.trust_env = False
        address = f"http://{ADDRESS}:{self.server.rest_port}/v1/models/{NAME}:predict"

        def ask(x):
            answer = session.post(address, json={"instances": [x]}, timeout=10)
            answer.raise_for_status()
            return answer.json()["predictions"][0], None

        return ask


def np_float32(x):
    import numpy as np

    return np.array([x], np.float32)


def fill_up(folder: Path, left_bytes: int) -> Path:
    """Write a file until no more than so many bytes are free."""
    ballast = folder / ".ballast"
    free = shutil.disk_usage(folder).free
    ballast.write_bytes(bytes(max(0, free - left_bytes)))
    return ballast


def size_of(folder: Path) -> int:
    """Sum the sizes of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=40, help="requests/s of each of 4 threads")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    base = given.folder / "model"
    with tempfile.TemporaryDirectory() as elsewhere:
        sources = []
        for added in range(1, 6):
            source = models.half_plus_two(Path(elsewhere) / str(added), add=float(added))
            (source / "assets.extra").mkdir()
            (source / "assets.extra" / "ballast").write_bytes(os.urandom(BALLAST_BYTES))
            sources.append(source)
        repository = ModelRepository(base)
        published = {repository.publish(sources[0]).number: 1.0}
        server = Server(base, Path(elsewhere) / "log", given.workers)
        load = Load(server, given.rate)
        started, swaps, half = time.monotonic(), 0, []
        refused = collections.Counter()
        window, memory = (0.0, 0.0), []
        ends = started + given.minutes * 60
        step = 0
        while time.monotonic() < ends:
            step += 1
            time.sleep(max(0.0, started + step * SWAP_S - time.monotonic()))
            memory.append(server.rss_mb())
            if not window[1] and time.monotonic() > started + given.minutes * 30:
                killed = time.monotonic()
                memory_before = memory[-1]
                server.replace()
                window = (killed, time.monotonic() + GRACE_S)
                memory.clear()
                print(f"killed and ready again after {window[1] - killed - GRACE_S:.1f} s")
            number = step % 5
            if step % FULL_EVERY == 0:
                before = set(version_folders(base))
                # From too little in any case to room for all but the last file that is written.
                spare_bytes = SPARE_BYTES[step // FULL_EVERY % len(SPARE_BYTES)]
                ballast = fill_up(base, size_of(sources[number]) + spare_bytes)
                try:
                    published[repository.publish(sources[number]).number] = number + 1.0
                    swaps += 1
                except OSError as error:
                    refused[str(error).partition("(")[2][:50]] += 1
                    if set(version_folders(base)) != before:
                        half.append(f"step {step}: a version appeared")
                ballast.unlink()
                half += [str(path) for path in base.glob(".publishing-*")]
            version = repository.publish(sources[number])
            published[version.number] = number + 1.0
            swaps += 1
            repository.prune(keep=2)
            for newest in version_folders(base).values():
                if not (newest[-1] / "saved_model.pb").is_file():
                    half.append(str(newest))
        load.stopped.set()
        for thread in load.threads:
            thread.join()
        rss_end = server.rss_mb()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.terminate()
            code = server.process.wait(30)
        log = server.log.read_text()
    outside = [f for f in load.failures if f[1] < window[0] or f[0] > window[1]]
    mixed = {v: found for v, found in load.seen.items() if found != {published.get(v)}}
    print(f"requests: {dict(load.sent)}, answered by {len(load.seen)} versions")
    print(f"swaps: {swaps}; refused by a full disk: {dict(refused)}; half published: {half}")
    print(f"failures: {len(load.failures)}, outside the kill's window: {len(outside)}")
    print(f"wrong answers: {len(load.wrong)}; versions with others' answers: {mixed}")
    after = (memory or [rss_end])[0]
    print(f"RSS, MB: {memory_before:.0f} before the kill; after it {after:.0f} … {rss_end:.0f}")
    print(f"RSS by swap, MB: {[round(m) for m in memory]}")
    print(f"exit code on SIGTERM: {code}; tracebacks in the log: {log.count('Traceback')}")
    for failure in outside[:10]:
        print(failure)
    return int(bool(outside or half or load.wrong or mixed or code or "Traceback" in log))


if __name__ == "__main__":
    sys.exit(main())
