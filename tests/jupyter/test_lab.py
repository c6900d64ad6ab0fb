"""The options JupyterLab is started with."""

import json
import socket
from pathlib import Path

import pytest

from deployworkbook.jupyter import lab
from deployworkbook.jupyter.installing import in_words
from deployworkbook.jupyter.lessons import Installation
from deployworkbook.workspace.folder import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "learner").create()


def given(workspace, **options):
    pairs = lab.options(workspace, **{"port": None, "open_browser": False} | options)
    return dict(pair.removeprefix("--").split("=", 1) for pair in pairs)


def test_lab_serves_the_workspace_on_this_machine_only(workspace):
    options = given(workspace)
    assert options["ServerApp.ip"] == "127.0.0.1"
    assert options["ServerApp.root_dir"] == str(workspace.root)
    assert options["LabApp.default_url"] == "/lab/tree/lessons.md"
    assert not any("token" in name or "password" in name for name in options)


@pytest.mark.parametrize("open_browser", [True, False])
def test_the_browser_opens_on_request(workspace, open_browser):
    options = given(workspace, open_browser=open_browser)
    assert options["ServerApp.open_browser"] == str(open_browser)


def test_only_the_requested_port_is_tried(workspace):
    options = given(workspace, port=9000)
    assert (options["ServerApp.port"], options["ServerApp.port_retries"]) == ("9000", "0")
    assert "ServerApp.port" not in given(workspace)


def test_news_is_off_and_widget_state_is_saved(workspace):
    folder = given(workspace)["LabApp.app_settings_dir"]
    settings = json.loads((workspace.records / "lab" / "settings" / "overrides.json").read_text())
    assert folder == str(workspace.records / "lab" / "settings")
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert settings["@jupyter-widgets/jupyterlab-manager:plugin"]["saveState"] is True


def test_the_file_browser_is_closed_in_the_first_session_only(workspace):
    folder = Path(given(workspace)["LabApp.workspaces_dir"])
    (layout,) = folder.iterdir()
    left = json.loads(layout.read_text())["data"]["layout-restorer:data"]["left"]
    assert left == {"collapsed": True, "visible": True}
    layout.write_text("the learner's own")
    given(workspace)
    assert layout.read_text() == "the learner's own"


def test_a_port_in_use_is_refused_and_a_free_one_is_not():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match=rf"Port {port} .*--port"):
            lab.check_port_is_free(port)
    lab.check_port_is_free(port)


def test_lab_says_what_was_updated_and_what_is_edited(workspace):
    done = Installation(copied=("a",), updated=("02_x",), kept=("04_training",))
    place, updated, edited = in_words(workspace, done).splitlines()
    assert str(workspace.root) in place
    assert "02_x" in updated
    assert edited.startswith("04_training has your edits")
    assert "deployworkbook reset 04 restores" in edited


def test_lab_says_which_edited_lessons_are_outdated_and_what_to_do(workspace):
    new = workspace.root / "05_quantization-new.ipynb"
    kept = ("04_training", "05_quantization")
    done = Installation((), (), kept, dict(zip(kept, (None, new), strict=True)))
    _, without, beside = in_words(workspace, done).splitlines()
    assert without.startswith("04_training has your edits and is older")
    assert "deployworkbook reset 04 --beside" in without
    assert beside.startswith("05_quantization has your edits and is older")
    assert beside.endswith("05_quantization-new.ipynb.")
