"""Load and unload versions: watch the models' folders and follow the config.

A new version is loaded before the old one is unloaded, and a version that can't be loaded doesn't
affect the others.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deployworkbook.serving.api.version_folders import version_folders
from deployworkbook.serving.embedded.config import ModelConfig
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.models import Catalogue, Model, Version, VersionState
from deployworkbook.serving.embedded.servable import Servable

log = logging.getLogger(__name__)


class Manager:
    """Loads and unloads versions.

    Args:
        load: Loads a model's version by name, number and folder, or raises ``ServingError``.
        retries: How often to retry a failed load.
        retry_wait_s: How long to wait between attempts.
        early_labels: Whether labels may name versions that aren't available.
        closed: Set when nothing more should be loaded.
    """

    def __init__(
        self,
        load: Callable[[str, int, Path], Servable],
        *,
        retries: int = 5,
        retry_wait_s: float = 60,
        early_labels: bool = False,
        closed: threading.Event | None = None,
    ) -> None:
        self._load = load
        self._retries = retries
        self._retry_wait_s = retry_wait_s
        self._early_labels = early_labels
        self.catalogue = Catalogue()
        self.closed = closed or threading.Event()
        self._unloading: list[threading.Thread] = []
        # One thread at a time changes models; requests don't wait for it.
        self._work = threading.Lock()
        self._ignored: set[Path] = set()

    def apply(self, configs: Sequence[ModelConfig]) -> None:
        """Serve exactly these models: load new ones, unload others, set the labels.

        Raises:
            ServingError: No version of a new model could be loaded, or a label names a version
                that isn't available. The other models are served as configured.
        """
        with self._work:
            new = [c.name for c in configs if c.name not in self.catalogue.models]
            with self.catalogue.changed:
                kept = {c.name for c in configs}
                gone = [
                    self.catalogue.models[name]
                    for name in self.catalogue.models
                    if name not in kept
                ]
                models = {}
                for config in configs:
                    model = self.catalogue.models.get(config.name)
                    if model is None:
                        model = Model(config)
                        self.catalogue.ended.pop(config.name, None)
                    model.config = config
                    models[config.name] = model
                self.catalogue.keep_ended(gone)
                self.catalogue.models = models
            for model in gone:
                self._unload(model, model.available())
            for model in models.values():
                self._reconcile(model)
            problems = [text for name in new if (text := self.catalogue.problem(name))]
            self._set_labels()
        if problems:
            raise ServingError(
                Code.UNKNOWN,
                f"{len(problems)} servable(s) did not become available: {{{', '.join(problems)}}}",
            )

    def start(self, configs: Sequence[ModelConfig], *, poll_s: float) -> None:
        """Load the first models; return when all are available.

        Raises:
            ServingError: A model has versions, but none could be loaded; or a label is wrong.
        """
        with self._work, self.catalogue.changed:
            self.catalogue.models = {config.name: Model(config) for config in configs}
        said: set[str] = set()
        while not self.closed.is_set():
            self.poll()
            waiting = []
            for name, model in self.catalogue.models.items():
                if model.available():
                    continue
                waiting.append(name)
                failed = [
                    v for v in model.versions.values() if v.state == VersionState.END and v.error
                ]
                if failed and not any(v.waits for v in model.versions.values()):
                    raise ServingError(
                        Code.UNKNOWN, f"Failed to start server. {self.catalogue.problem(name)}"
                    )
                if not model.versions and name not in said:
                    said.add(name)
                    log.warning(
                        "No versions of servable %s found under base path %s. Did you forget to "
                        "name your leaf directory as a number (eg. '/1/')?",
                        name,
                        model.config.base_path,
                    )
            if not waiting:
                with self._work:
                    self._set_labels()
                return
            self.closed.wait(poll_s or 1)

    def poll(self) -> None:
        """Check the folders once, and load and unload versions accordingly."""
        with self._work:
            for model in list(self.catalogue.models.values()):
                if self.closed.is_set():
                    return
                self._reconcile(model)

    def close(self, *, within_s: float = 1.0) -> None:
        """Load nothing more, and unload each version once it has no running request.

        Args:
            within_s: Longest time to wait for that. A request that runs for longer keeps its
                version.
        """
        self.closed.set()
        with self._work:
            for model in self.catalogue.models.values():
                self._unload(model, model.available())
        until = time.monotonic() + within_s
        for thread in list(self._unloading):
            thread.join(max(0.0, until - time.monotonic()))

    def _reconcile(self, model: Model) -> None:
        try:
            present = self._present(model.config.base_path)
        except OSError as error:  # keep serving while a drive is briefly away
            log.warning(
                "Could not find base path %s for servable %s (%s)",
                model.config.base_path,
                model.config.name,
                error.strerror,
            )
            present = None
        if present is not None:
            self._want(model, present)
        for number in model.wanted:
            version = model.versions[number]
            if version.waits and time.monotonic() >= version.next_try:
                self._try_to_load(model, version)
        serving = model.available()
        if not model.wanted or set(model.wanted) & set(serving):
            self._unload(model, [number for number in serving if number not in model.wanted])

    def _present(self, base_path: Path) -> dict[int, Path]:
        """Find the versions of a folder; warn once about folders that duplicate a version."""
        present = {}
        for number, folders in version_folders(base_path).items():
            present[number] = folders[-1]
            for ignored in folders[:-1]:
                if ignored not in self._ignored:
                    self._ignored.add(ignored)
                    log.warning(
                        "Duplicate version directories detected. Version %d will be loaded from "
                        "%s, %s will be ignored.",
                        number,
                        folders[-1].name,
                        ignored.name,
                    )
        return present

    def _want(self, model: Model, present: dict[int, Path]) -> None:
        wanted = model.config.policy.choose(present)
        with self.catalogue.changed:
            for number in wanted:
                known = model.versions.get(number)
                # A version that was unloaded, or failed and was removed since, gets another chance.
                if known is None or (
                    known.state >= VersionState.UNLOADING and number not in model.wanted
                ):
                    model.versions[number] = Version(number, present[number])
            for number in set(model.wanted) - set(wanted):
                if model.versions[number].waits:
                    model.versions[number].state = VersionState.END
            model.wanted = wanted

    def _try_to_load(self, model: Model, version: Version) -> None:
        name = model.config.name
        self._set(version, VersionState.LOADING)
        version.tries += 1
        try:
            servable = self._load(name, version.number, version.path)
        except ServingError as error:
            # Not the error itself: its traceback would keep what was loaded so far in memory.
            failure = ServingError(error.code, error.text)
            log.error(
                "Loading servable: {name: %s version: %d} failed: %s", name, version.number, failure
            )
            with self.catalogue.changed:
                version.error = failure
                version.next_try = time.monotonic() + self._retry_wait_s
                if version.tries > self._retries:
                    version.state = VersionState.END
            return
        with self.catalogue.changed:
            version.servable, version.error = servable, None
            version.state = VersionState.AVAILABLE
        log.info(
            "Successfully loaded servable version {name: %s version: %d}", name, version.number
        )

    def _unload(self, model: Model, numbers: Sequence[int]) -> None:
        for number in numbers:
            version = model.versions[number]
            self._set(version, VersionState.UNLOADING)
            # In a thread, because a request may take long, and other models mustn't wait for it.
            thread = threading.Thread(
                target=self._free, args=(model.config.name, version), daemon=True
            )
            self._unloading = [*filter(threading.Thread.is_alive, self._unloading), thread]
            thread.start()

    def _free(self, name: str, version: Version) -> None:
        with self.catalogue.changed:
            self.catalogue.changed.wait_for(lambda: version.running == 0)
            servable, version.servable = version.servable, None
        if servable is not None:
            servable.close()
            del servable
            gc.collect()  # a graph contains reference cycles
        self._set(version, VersionState.END)
        log.info("Done unloading servable version {name: %s version: %d}", name, version.number)

    def _set(self, version: Version, state: VersionState) -> None:
        with self.catalogue.changed:
            version.state = state

    def _set_labels(self) -> None:
        """Set the labels of the configs; a label of a version that isn't available is an error."""
        with self.catalogue.changed:
            for model in self.catalogue.models.values():
                for number in model.config.labels.values():
                    if not self._early_labels and number not in model.available():
                        raise ServingError(
                            Code.FAILED_PRECONDITION,
                            f"Request to assign label to version {number} of model "
                            f"{model.config.name}, which is not currently available for inference",
                        )
            for model in self.catalogue.models.values():
                model.labels = dict(model.config.labels)


def every(seconds: float, act: Callable[[], None], *, until: threading.Event, name: str) -> None:
    """Call a function repeatedly on a thread of its own; log errors and go on."""

    def repeat() -> None:
        while not until.wait(seconds):
            try:
                act()
            except (ServingError, OSError) as error:
                log.error("%s failed: %s", name, error)
            except Exception:
                log.exception("%s failed", name)

    if seconds > 0:
        threading.Thread(target=repeat, name=name, daemon=True).start()
