"""Kernels use this interpreter whatever kernelspec files exist."""

import json
import sys

import pytest
from jupyter_client.kernelspec import NoSuchKernel

from deployworkbook.jupyter.kernels import InterpreterKernelManager, InterpreterKernelSpecManager


@pytest.fixture
def other_kernels(tmp_path, monkeypatch):
    """Kernelspecs of another environment that come first in Jupyter's search path."""
    for name in ("python3", "other"):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": ["/nowhere/python"], "display_name": "Wrong", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))


@pytest.mark.usefixtures("other_kernels")
def test_the_only_kernel_listed_is_this_interpreter():
    specs = InterpreterKernelSpecManager().get_all_specs()
    assert list(specs) == ["python3"]
    assert specs["python3"]["spec"]["argv"][0] == sys.executable
    assert specs["python3"]["spec"]["display_name"] == "Python 3 (deployworkbook)"


@pytest.mark.usefixtures("other_kernels")
def test_other_kernels_are_refused():
    with pytest.raises(NoSuchKernel):
        InterpreterKernelSpecManager().get_kernel_spec("other")


@pytest.mark.usefixtures("other_kernels")
def test_a_manager_starts_this_interpreter():
    manager = InterpreterKernelManager(kernel_name="python3")
    assert manager.kernel_spec.argv[0] == sys.executable


def test_its_client_waits_for_no_heartbeat(tmp_path):
    """A run once didn't end, because its client waited for the heartbeat's thread."""
    manager = InterpreterKernelManager(kernel_name="python3", connection_file=str(tmp_path / "c"))
    manager.write_connection_file()
    client = manager.client()
    client.start_channels()
    assert client.channels_running
    assert not client.hb_channel.is_alive()
    client.stop_channels()
    assert not client.channels_running
