"""What the doctor finds and recommends."""

import socket
import sqlite3
import subprocess
from collections import namedtuple
from importlib import metadata

import pytest

from deployworkbook.jupyter import doctor, process_checks
from deployworkbook.jupyter.check_result import Check
from deployworkbook.runtimes import registry
from deployworkbook.training import mnist
from deployworkbook.workspace.folder import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "learner")


def test_an_old_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.1")
    check = doctor.check_python()
    assert check.status == "problem"
    assert ">=3.11" in check.remedy


def test_versions_out_of_range_and_missing_packages_are_named(monkeypatch):
    wanted = ["numpy>=99", "no-such-package>=1", "pytest>=99; extra == 'test'", "rich>=1"]
    monkeypatch.setattr(metadata, "requires", lambda name: wanted)
    check = doctor.check_versions()
    assert check.status == "problem"
    assert f"numpy {metadata.version('numpy')} is not >=99" in check.found
    assert "no-such-package is missing" in check.found
    assert "pytest" not in check.found
    assert "pip install -c constraints.txt" in check.remedy


def test_an_unwritable_folder_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("")
    check = doctor.check_workspace(Workspace(tmp_path / "file"))
    assert check.status == "problem"
    assert "DEPLOYWORKBOOK_HOME" in check.remedy


def test_a_missing_platform_is_a_warning(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "openvino" else name)
    check = doctor.check_platforms()
    assert check.status == "warning"
    assert "litert" in check.found
    assert "openvino" not in check.found
    assert "pip install openvino" in check.remedy


def test_what_this_processor_lacks_is_no_warning(monkeypatch):
    monkeypatch.setattr(registry, "uninstalled", list)
    monkeypatch.setattr(registry, "unavailable", lambda: {"openvino-bf16": "no AVX-512"})
    check = doctor.check_platforms()
    assert (check.status, check.remedy) == ("ok", "")
    assert "openvino-bf16: no AVX-512" in check.found


def test_the_model_server_is_named_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.check_model_server().found.startswith("embedded, since tensorflow_model_server")


def test_low_disk_space_is_a_warning(workspace, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage(10**8))
    check = doctor.check_disk(workspace)
    assert (check.status, check.found) == ("warning", "0.1 GB free")


def test_shared_models_are_counted_and_a_wrong_folder_is_a_warning(tmp_path, monkeypatch):
    assert doctor.check_shared_models().status == "ok"
    monkeypatch.setenv("DEPLOYWORKBOOK_SHARED_MODELS", str(tmp_path / "missing"))
    check = doctor.check_shared_models()
    assert (check.status, "DEPLOYWORKBOOK_SHARED_MODELS" in check.remedy) == ("warning", True)
    monkeypatch.setenv("DEPLOYWORKBOOK_SHARED_MODELS", str(tmp_path))
    assert doctor.check_shared_models().status == "warning"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "manifest.json").write_text("{}")
    check = doctor.check_shared_models()
    assert (check.status, check.found) == ("ok", f"1 in {tmp_path}")


def test_low_memory_is_a_warning(monkeypatch):
    usage = namedtuple("usage", "available")
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: usage(10**9))
    assert doctor.check_memory().status == "warning"


def test_an_old_sqlite_is_a_problem(monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 6, 0))
    assert doctor.check_sqlite().status == "problem"


def test_broken_data_are_a_problem_and_missing_data_a_warning(tmp_path, monkeypatch):
    broken = tmp_path / "mnist.npz"
    broken.write_bytes(b"half")
    monkeypatch.setenv(mnist.ENVIRONMENT_VARIABLE, str(broken))
    check = doctor.check_data()
    assert check.status == "problem"
    assert str(broken) in check.found
    monkeypatch.delenv(mnist.ENVIRONMENT_VARIABLE)
    assert doctor.check_data().status == "warning"


@pytest.mark.mnist
def test_the_real_mnist_is_ok(mnist_path, monkeypatch):
    monkeypatch.setenv(mnist.ENVIRONMENT_VARIABLE, str(mnist_path))
    check = doctor.check_data()
    assert check.status == "ok"
    assert "60,000" in check.found


def test_a_port_in_use_is_a_problem_only_if_requested(monkeypatch):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert doctor.check_port(port).status == "problem"
        monkeypatch.setattr(doctor, "LAB_PORT", port)
        assert doctor.check_port(None).status == "ok"
    assert doctor.check_port(port).status == "ok"


def test_a_kernel_that_does_not_start_is_a_problem(monkeypatch):
    monkeypatch.setattr(
        "deployworkbook.jupyter.kernels.get_kernel_dict", lambda: {"argv": ["/nowhere"]}
    )
    check = process_checks.check_kernel()
    assert check.status == "problem"
    assert "does not answer" in check.found


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("raise ImportError('no tf')", "ImportError: no tf"),
        ("import os; os.abort()", "it ended with -6"),
    ],
)
def test_a_broken_tensorflow_is_a_problem_that_the_doctor_survives(monkeypatch, program, found):
    monkeypatch.setattr(process_checks, "KERAS_PROGRAM", program)
    check = process_checks.check_keras()
    assert (check.status, check.found) == ("problem", found)
    assert "tf_keras" in check.remedy


def test_a_tensorflow_that_is_too_slow_need_not_be_installed_again(monkeypatch):
    def hang(*arguments, **options):
        raise subprocess.TimeoutExpired("python", options["timeout"])

    monkeypatch.setattr(process_checks.subprocess, "run", hang)
    check = process_checks.check_keras()
    assert (check.status, check.found) == ("warning", "no answer within 120 s")
    assert check.remedy.startswith("Close other programs and run the doctor again")


def test_the_table_does_not_truncate_remedies(workspace):
    remedy = "word " * 40
    html = doctor.check_table([Check("disk", "warning", "little", remedy)]).to_html()
    assert remedy.strip() in html


def test_its_checks_are_those_that_reports_must_have(workspace, monkeypatch):
    slow = {"check_keras": "Keras", "check_kernel": "kernel", "check_data": "data"}
    for function, name in slow.items():
        monkeypatch.setattr(doctor, function, lambda name=name: Check(name, "ok", ""))
    assert [check.name for check in doctor.checks(workspace)] == list(doctor.NAMES)
