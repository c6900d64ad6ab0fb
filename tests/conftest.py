"""What all tests share: a home of their own, and the data."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from xdist.scheduler import LoadScopeScheduling

# First: it keeps nbformat from loading a slow grammar (deployworkbook.jupyter.schemas).
from deployworkbook.execution.outputs import nbformat  # isort: skip
from deployworkbook.execution.jobs import Job
from deployworkbook.execution.parameters import fast_parameters
from deployworkbook.execution.runner import THREADS, run_jobs
from deployworkbook.training.data import load_dataset
from deployworkbook.training.garbage import loading_for_good
from deployworkbook.training.mnist import ENVIRONMENT_VARIABLE
from deployworkbook.workspace.files import atomic_folder
from deployworkbook.workspace.folder import Workspace

REPOSITORY = Path(__file__).parent.parent
# Files of half a minute and more whose names come late in the alphabet.
LONG = ("test_fit.py", "test_style.py", "test_explorer.py")

# What a shell starts in the background ignores Ctrl-C, and under nohup hang-ups, and so do the
# commands that tests then send one.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# Workers of xdist share the cores, as notebooks that run at once do: threads that share one with
# another worker's mostly wait. Set before anything loads that reads these.
if os.environ.get("PYTEST_XDIST_WORKER"):
    for variable in THREADS:
        os.environ.setdefault(variable, "1")

# Homes are new, and in each matplotlib would list the fonts again, and the C compiler build a
# library of its own for each kind of processor. The workers of xdist inherit these.
if not os.environ.get("PYTEST_XDIST_WORKER"):
    CACHES = tempfile.TemporaryDirectory(prefix="caches-")
    for variable in ("MPLCONFIGDIR", "ZIG_GLOBAL_CACHE_DIR"):
        os.environ[variable] = str(Path(CACHES.name) / variable.lower())
        Path(os.environ[variable]).mkdir()

# Tests speak to servers of their own, never through a proxy that the environment names.
for no_proxy in ("no_proxy", "NO_PROXY"):
    kept = [os.environ[no_proxy]] if os.environ.get(no_proxy) else []
    os.environ[no_proxy] = ",".join([*kept, "localhost", "127.0.0.1", "::1"])

# How long an example takes, says more of the machine's other work than of the example.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# Processes that a test starts find its module by this. It goes before all else, since tf2onnx and
# Ciw install a package ``tests`` of their own; and from a folder with nothing else in it, so that
# the package that is tested stays the installed one.
OWN_TESTS = tempfile.TemporaryDirectory(prefix="own-tests-")
(Path(OWN_TESTS.name) / "tests").symlink_to(REPOSITORY / "tests")
sys.path.insert(0, OWN_TESTS.name)


def pytest_ignore_collect(collection_path, config):
    """Where only the tests that compare times are asked for, import no file without any."""
    if config.option.markexpr == "timing" and collection_path.name.startswith("test_"):
        return "mark.timing" not in collection_path.read_text() or None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Thousands of tests and all that they import stay: no search for garbage looks at them."""
    with loading_for_good():
        return (yield)


def pytest_collection_modifyitems(config, items):
    """Leave out what only reports; put first what takes long and stays together.

    So nothing long begins when all else has ended: what trains on the real MNIST, and the longest
    of the files that would be among the last.
    """
    if "report" not in config.option.markexpr:
        kept, reports = [], []
        for item in items:
            (reports if item.get_closest_marker("report") else kept).append(item)
        config.hook.pytest_deselected(items=reports)
        items[:] = kept
    items.sort(key=_place)


def _place(item):
    if item.get_closest_marker("mnist"):
        return 0
    return 1 if item.path.name in LONG else 2


def pytest_xdist_make_scheduler(config, log):
    """Keep together, where tests run in parallel, those that share what takes long to make."""
    return _Together(config, log)


class _Together(LoadScopeScheduling):
    """A lesson's tests share a run, a file's their fixtures; what MNIST trains is in one folder."""

    def _split_scope(self, nodeid):
        file, _, name = nodeid.partition("::")
        if "mnist" in name or file.startswith("tests/benchmarks/"):
            return nodeid
        # A lesson is named by a parameter, or in the test's own name.
        lesson = re.search(r"\[(\d\d)_[a-z]|_lesson_(\d\d)_", name)
        return f"lesson {lesson[1] or lesson[2]}" if lesson else file


@pytest.fixture(scope="session")
def missing():
    """Skip a test for want of something; where CI runs, fail it: there all can be installed."""

    def end(what):
        if os.environ.get("CI"):
            pytest.fail(f"CI has no {what}")
        pytest.skip(f"there is no {what}")

    return end


# Where homes are made: pytest would look through thousands of folders for the next number.
_HOMES = pytest.StashKey[Iterator[Path]]()


@pytest.fixture(autouse=True)
def home(request):
    """No test touches the files of the user who runs it.

    Thousands of tests take it, and every fixture that it took itself would cost each of them time.
    """
    if _HOMES not in request.config.stash:
        folder = request.getfixturevalue("tmp_path_factory").mktemp("homes")
        request.config.stash[_HOMES] = (folder / str(number) for number in itertools.count())
    folder = next(request.config.stash[_HOMES])
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("DEPLOYWORKBOOK_HOME", str(folder / "deployworkbook"))
        patch.delenv("KERAS_HOME", raising=False)
        patch.delenv("DEPLOYWORKBOOK_SHARED_MODELS", raising=False)
        yield folder


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out explorers' drawing, which takes most of their time; what moves is moved.

    A picture that a test asks for is drawn then.
    """

    def update(view, result):
        view.update(result)
        view._encoder = None  # so that what stands still is drawn with what moves
        view.picture.alt = view.describe(result)
        return []

    monkeypatch.setattr("deployworkbook.plots.view.View.draw", update)


@pytest.fixture(scope="session")
def digits():
    """The 1,797 digits that come with scikit-learn."""
    return load_dataset("digits")


@pytest.fixture(scope="session")
def mnist_path(missing):
    """The file of the real MNIST."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if not named:
        missing(f"MNIST: set {ENVIRONMENT_VARIABLE} to its file")
    return Path(named)


@pytest.fixture
def mnist(mnist_path, monkeypatch):
    """The real MNIST."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(mnist_path))
    return load_dataset("mnist")


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory, worker_id):
    """Give the folder of a name that all processes of the session share."""
    own = tmp_path_factory.getbasetemp()
    base = own if worker_id == "master" else own.parent

    def folder(name):
        (base / name).mkdir(exist_ok=True)
        return base / name

    return folder


@pytest.fixture(scope="session")
def mnist_workspace(common_folder):
    """A workspace for what is trained on the real MNIST: once, whichever process asks first."""
    return Workspace(common_folder("mnist-workspace")).create()


@pytest.fixture(scope="session")
def font_cache():
    """Matplotlib lists the machine's fonts once, and not again for each test's home."""
    return Path(os.environ["MPLCONFIGDIR"])


@pytest.fixture(scope="session")
def common_models(common_folder):
    """A folder for the models with which several lessons begin: the first of them trains them."""
    return common_folder("common-models")


def copy_models(source, target):
    """Copy the trained model of lesson 04, a teacher and its answers, if the target has none."""
    for pattern in ("mlp-digits-*", "teacher-digits-*", "logits-digits-*"):
        for model in source.glob(pattern):
            if model.is_dir() and not (target / model.name).exists():
                with atomic_folder(target / model.name) as place:
                    shutil.copytree(model, place, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def run_lesson():
    """Run a lesson in a workspace of its own within a folder; give the executed notebook."""

    def run(lesson, folder, parameters, **environment):
        job = Job(lesson.path, folder / lesson.path.name, parameters, 300, 580)
        home = {"DEPLOYWORKBOOK_HOME": str(folder / "home")}
        (outcome,) = run_jobs([job], workers=1, environment=home | environment)
        assert outcome.status == "passed", f"{outcome.error}\n{outcome.traceback}"
        return nbformat.read(job.output, as_version=4)

    return run


@pytest.fixture(scope="session")
def run_fast(run_lesson, tmp_path_factory, common_models, font_cache):
    """Run a lesson alone, in a new workspace, without a network or MNIST; each once a session.

    The workspace is empty but for the models that other lessons have trained alike. Lesson 04
    always trains its own, and so do all that run first, or are run by themselves. What its kernel
    holds after each cell is in the folder's ``ipython/memory.jsonl``.
    """
    # Here, since the path to our own tests is set above.
    from tests.memory_notes import NOTE_MEMORY

    done = {}
    if not any(font_cache.iterdir()):
        # On a busy machine matplotlib says that it lists the fonts, and lessons are to be quiet.
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True)

    def run(lesson):
        if lesson.name not in done:
            folder = tmp_path_factory.mktemp(lesson.name)
            startup = folder / "ipython" / "profile_default" / "startup"
            startup.mkdir(parents=True)
            (startup / "note_memory.py").write_text(NOTE_MEMORY)
            offline = {"DEPLOYWORKBOOK_MNIST": "", "KERAS_HOME": str(folder), "HTTPS_PROXY": ""}
            offline["IPYTHONDIR"] = str(folder / "ipython")
            models = Workspace(folder / "home").create().models
            if lesson.name != "04_training":
                models.mkdir()
                copy_models(common_models, models)
            notebook = run_lesson(lesson, folder, fast_parameters(lesson.path), **offline)
            copy_models(models, common_models)
            done[lesson.name] = (notebook, folder)
        return done[lesson.name]

    return run


@pytest.fixture
def shell():
    """IPython as in a kernel, without a history on disk."""
    config = Config()
    config.HistoryManager.enabled = False
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()
