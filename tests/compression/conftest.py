"""A trained model and what it learns on from, made once for all tests of compression."""

import gc
import json
import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.training.data import load_dataset
from deployworkbook.training.fit import Recipe, baseline, train
from deployworkbook.training.mnist import ENVIRONMENT_VARIABLE
from tests.waiting import wait_until

# Each seed costs a minute on MNIST. What was seen with three is what the thresholds rest on.
SEEDS = range(int(os.environ.get("DEPLOYWORKBOOK_SEEDS", "1")))


@pytest.fixture(scope="module", autouse=True)
def what_distributed_leaves():
    """Collect the sockets of schedulers and workers that a module's tests have killed.

    distributed leaves them open in cycles of references; Python says so when it finds them, which
    would be in whatever test runs by then.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def model_folder(digits, tmp_path_factory):
    """The folder that keeps the model, trained on the digits."""
    folder = tmp_path_factory.mktemp("model")
    baseline(digits, Recipe(), folder=folder)
    return folder


@pytest.fixture(scope="session")
def model(digits, model_folder):
    return baseline(digits, Recipe(), folder=model_folder).model


@pytest.fixture(scope="session")
def convolutions(digits):
    """A convolutional network, trained a little."""
    trained, _ = train(digits, Recipe("cnn", epochs=2))
    return trained


@pytest.fixture(scope="session")
def examples(digits):
    return Examples(digits.train.images, digits.train.labels)


@pytest.fixture(scope="session")
def short():
    """Two epochs on the digits: 22 steps."""
    return Settings(epochs=2)


@pytest.fixture(scope="session")
def mnist_data(mnist_path):
    """The real MNIST, read once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_VARIABLE, str(mnist_path))
        return load_dataset("mnist")


@pytest.fixture(scope="session")
def mnist_models(mnist_data, mnist_workspace):
    """The baseline on the real MNIST, of as many seeds as ``DEPLOYWORKBOOK_SEEDS`` says."""
    folder = mnist_workspace.models
    return [baseline(mnist_data, Recipe(seed=seed), folder=folder).model for seed in SEEDS]


@pytest.fixture
def dask_cluster(tmp_path):
    """Start a Dask scheduler with some workers, as a user would; give its address and process."""
    where = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    environment = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])}
    contact, log = tmp_path / "scheduler.json", tmp_path / "dask.log"
    log.touch()

    def joined():
        return log.read_text().count("Registered to")

    @contextmanager
    def cluster(workers, port=0):
        processes = []
        contact.unlink(missing_ok=True)

        def start(*arguments):
            command = [sys.executable, "-m", "dask", *arguments, *where]
            with log.open("a") as out:
                processes.append(
                    subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=tmp_path)
                )

        try:
            start("scheduler", "--port", str(port), "--scheduler-file", str(contact))
            wait_until(lambda: contact.exists() and contact.read_text(), "the scheduler")
            address = json.loads(contact.read_text())["address"]
            all_joined = joined() + workers
            for _ in range(workers):
                start("worker", address, "--nthreads", "2", "--no-nanny")
            wait_until(lambda: joined() >= all_joined, "the workers")
            yield address, processes[0]
        finally:
            for process in processes:
                process.kill()
                process.wait()

    return cluster
