"""Every command that README, lessons and ``--help`` show runs as it stands.

What takes minutes (lessons, sweeps) or never ends (servers) is checked up to where its work begins.
"""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from deployworkbook.cli import main
from deployworkbook.commands import sweep_report
from deployworkbook.commands.examples import EXAMPLES
from deployworkbook.compression import sweep as compression_sweep
from deployworkbook.compression.litert_quantization import TECHNIQUES
from deployworkbook.edge import measuring
from deployworkbook.execution import page, runner
from deployworkbook.execution.jobs import Outcome
from deployworkbook.exercises.kept import keep
from deployworkbook.jupyter import doctor, lab
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.monitoring import snapshot
from deployworkbook.monitoring.exposition import Reader, Reading
from deployworkbook.serving.embedded import server
from deployworkbook.serving.probing import checks, recording
from deployworkbook.serving.probing.golden import Golden, GoldenImage
from deployworkbook.serving.repository import differences, mlflow_format
from deployworkbook.serving.repository.differences import VersionDifference
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.serving.signing.keys import signing_key
from deployworkbook.teaching import preloading, printing, rehearsal
from deployworkbook.teaching import recording as waits
from deployworkbook.teaching.load import running
from deployworkbook.teaching.wheelhouse import making
from deployworkbook.training import data
from deployworkbook.updates.making import make_patch
from deployworkbook.workspace.folder import current_workspace
from tests.serving import forms

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text()
COMMAND = re.compile(
    r"deployworkbook (?:lab|install|run|preload|reset|serve|cost|plan|prices|doctor|ledger|progress"
    r"|sweep|submit|publish|deploy-files|monitor|probe|edge|tokens|patch|versions|terms|teach"
    r"|catchup)\b[^`\n&#]*"
)


def ended():
    """End a command where its work would begin."""
    raise typer.Exit


def commands_of(text):
    """All commands of a text, without the words around them."""
    return [match.strip() for match in COMMAND.findall(text)]


def commands_of_lesson(path):
    cells = json.loads(path.read_text())["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    # Only what is marked as code is a command; "the command `deployworkbook`" is none.
    marked = [span for text in prose for span in re.findall(r"`(deployworkbook [^`]+)`", text)]
    return [command for span in marked for command in commands_of(span)]


ALL = {
    "README": commands_of("\n".join(re.findall(r"^deployworkbook .*$|`deployworkbook [^`]+`|"
                                               r"&& deployworkbook .*$", README, re.M))),
    **{lesson.name: commands_of_lesson(lesson.path) for lesson in catalogue()},
    "help": [line for lines in EXAMPLES.values() for line in lines],
}  # fmt: skip
# Each command once, with the first place that shows it.
PLACES = {}
for place, commands in ALL.items():
    for command in commands:
        PLACES.setdefault(command, place)


@pytest.fixture(scope="session")
def litert_file(tmp_path_factory):
    return forms.litert(tmp_path_factory.mktemp("made") / "litert") / "model.tflite"


class ReadOnce(Reader):
    """A server without traffic; whoever watches it presses Ctrl-C at the second look."""

    def __init__(self, address):
        super().__init__(address)
        self.history.add(Reading(0.0, {}))

    def read(self):
        raise KeyboardInterrupt


GOLDEN_TENSORS = {"x": {"dtype": "DT_FLOAT", "shape": [-1, 1]}}
GOLDEN = Golden(
    "digits", 1, GOLDEN_TENSORS, GOLDEN_TENSORS, 255, 250.0, 0.01,
    (GoldenImage("AA==", 0, (1.0, 0.0)),),
)  # fmt: skip


@pytest.fixture(scope="module")
def learned(tmp_path_factory, litert_file):
    """A learner's home after the lessons, and the folder where commands are called."""
    home, folder = tmp_path_factory.mktemp("learned"), tmp_path_factory.mktemp("called")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("DEPLOYWORKBOOK_HOME", str(home / "deployworkbook"))
        fill_home(litert_file)
        patch.chdir(folder)
        fill_folder(litert_file)
    return home, folder


def fill_home(litert_file):
    measured = (("float32", "litert"), ("float32", "savedmodel"), ("int8-dynamic", "litert"))
    for variant, runtime in measured:
        Ledger().add(
            Measurement(
                variant, runtime, "1", "mnist", "print",
                size_bytes=400_000, compressed_bytes=300_000, correct=977, examples=1000,
                latency_p50_ms=0.01, latency_p99_ms=0.02, peak_memory_bytes=200_000_000, threads=1,
            )
        )  # fmt: skip
    exported = current_workspace().artifacts / "mnist" / "float32.savedmodel"
    exported.mkdir(parents=True)
    (exported / "saved_model.pb").write_bytes(b"model")
    repository = ModelRepository(current_workspace().published / "digits")
    key = signing_key()
    for parent in (None, 1):
        repository.publish(exported, label="stable", parent=parent, key=key)
    other = exported.with_name("int8-dynamic.litert")
    other.mkdir()
    shutil.copy(litert_file, other)
    shutil.copytree(other, exported.with_name("int8-full.litert"))
    keep("losses.logits", 1.0, answer_key="1", is_right=False)
    keep("quantization.sum", 1.0, answer_key="1", is_right=False)
    current_workspace().golden.mkdir()
    (current_workspace().golden / "digits.json").write_text(GOLDEN.to_json())


def fill_folder(litert_file):
    Path("class/secrets").mkdir(parents=True)
    Path("class/notes.txt").touch()
    for name in ("model.tflite", "old.tflite", "new.tflite"):
        shutil.copy(litert_file, name)
    make_patch(litert_file, litert_file, Path("update.patch"))
    (toml,) = re.findall(r"```toml\n(.*?)```", README, re.S)
    Path("reports").mkdir()
    report = [{"name": name, "status": "ok", "found": "1"} for name in doctor.NAMES]
    Path("reports", "ada.json").write_text(json.dumps(report))
    Path("my-prices.toml").write_text(toml)
    Path("FILE").write_text(toml)
    Path("names.txt").write_text("Ada\n")
    Path("password.txt").write_text("our class of nine\n")
    seats = (f"learner-{number},a password\n" for number in range(5))
    Path("class/secrets/passwords.csv").write_text("name,password\n" + "".join(seats))


@pytest.fixture
def prepared(learned, home, tmp_path, monkeypatch, digits):
    """A learner's folder after the lessons; returns what the commands have begun."""
    begun = []
    for made, place in zip(learned, (home, tmp_path), strict=True):
        shutil.copytree(made, place, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    same = VersionDifference(1, 2, 9, 8, 8, 0, 0, 9, 0.0, (), (5, 5), (), same_interface=True)
    monkeypatch.setattr(differences, "compare_versions", lambda *_: same)
    monkeypatch.setattr(mlflow_format, "export_to_mlflow", lambda _, target: target)
    monkeypatch.setattr(
        mlflow_format, "import_from_mlflow", lambda _, repository, **__: repository.version(2)
    )

    def run_jobs(jobs, **_):
        begun.extend(job.source.stem for job in jobs)
        for job in jobs:
            job.output.parent.mkdir(parents=True, exist_ok=True)
            job.output.write_text(job.source.read_text())
        return [Outcome(job, "passed", 0.0, 1, 1) for job in jobs]

    monkeypatch.setattr(runner, "run_jobs", run_jobs)
    monkeypatch.setattr(preloading, "run_jobs", run_jobs)
    monkeypatch.setattr(compression_sweep, "sweep", lambda points, **_: begun.extend(points) or [])
    monkeypatch.setattr(sweep_report, "print_results", lambda *_: None)
    monkeypatch.setattr(page, "write_page", lambda *_, **__: begun.append("page"))
    monkeypatch.setattr(page, "write_index", lambda *_, **__: None)
    monkeypatch.setattr(measuring, "measure_core", lambda *_, **__: begun.append("edge") or ended())
    monkeypatch.setattr(doctor, "checks", lambda *_, **__: begun.append("doctor") or [])
    monkeypatch.setattr(lab, "start", lambda *_, **__: begun.append("lab") or 0)
    monkeypatch.setattr(snapshot, "open_reader", ReadOnce)
    monkeypatch.setattr(typer, "confirm", lambda _: True)
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_: ended())
    monkeypatch.setattr(running, "run_until_stopped", lambda *_: ended())
    monkeypatch.setattr(waits, "record_waits", lambda *_, **__: ended())
    monkeypatch.setattr(printing, "find_browser", lambda: None)
    monkeypatch.setattr(data, "load_dataset", lambda *_: digits)
    monkeypatch.setattr(
        recording, "record_golden", lambda *_, **__: begun.append("record") or GOLDEN
    )
    monkeypatch.setattr(checks, "probe", lambda *_, **__: begun.append("probe") or [])
    monkeypatch.setattr(making, "make_wheelhouse", lambda *_, **__: ended())
    monkeypatch.setattr(server, "run", lambda options, **_: begun.append(options.model_name))
    return begun


@pytest.mark.parametrize(
    ("place", "command"), [(place, command) for command, place in PLACES.items()]
)
def test_a_command_that_a_text_shows_runs_as_it_stands(prepared, place, command, capsys):
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command, comments=True)[1:])
    said = capsys.readouterr()
    assert not ended.value.code, said.out + said.err
    name = command.split()[1]
    if name in {"run", "preload", "sweep", "lab", "doctor", "probe", "edge"}:
        assert prepared


def test_texts_show_commands():
    assert len(ALL["README"]) >= 15
    assert ALL["01_deployment_cost"]
    assert "int8-dynamic" in TECHNIQUES
