"""Platforms by name: each keeps the interface, and a missing one names what to install."""

import importlib.util

import pytest

from deployworkbook.runtimes import openvino, registry
from deployworkbook.runtimes.base import Runtime, UnavailableError
from deployworkbook.runtimes.registry import RUNTIMES, available, runtime, unavailable


@pytest.fixture
def uninstall(monkeypatch):
    """Make packages look as if they were not installed."""

    def hide(*names):
        find = importlib.util.find_spec
        monkeypatch.setattr(registry, "find_spec", lambda n: None if n in names else find(n))

    return hide


def test_every_available_runtime_satisfies_the_protocol():
    assert {"keras", "numpy", "savedmodel", "litert", "onnx", "openvino"} <= set(available())
    for name in available():
        platform = runtime(name)
        assert isinstance(platform, Runtime)
        assert platform.name == name


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="savedmodel"):
        runtime("abacus")


def test_a_missing_platform_names_its_command_and_the_others_work(uninstall):
    uninstall("onnxruntime", "tf2onnx")
    reasons = unavailable()
    assert reasons["onnx"] == (
        "not installed: onnxruntime, tf2onnx. Install it: pip install onnxruntime tf2onnx"
    )
    with pytest.raises(UnavailableError, match="pip install onnxruntime tf2onnx"):
        runtime("onnx")
    assert {"savedmodel", "litert", "numpy"} <= set(available())
    assert not set(available()) & set(reasons)
    assert set(available()) | set(reasons) == set(RUNTIMES)


def test_packages_are_installed_by_the_names_that_pip_knows(uninstall):
    uninstall("ai_edge_litert")
    assert unavailable()["litert"].endswith("pip install ai-edge-litert")


@pytest.mark.parametrize(
    ("capabilities", "reason"),
    [(["FP32", "INT8"], "no bfloat16"), (["FP32", "BF16"], "")],
)
def test_bfloat16_needs_a_processor_that_has_it(monkeypatch, tmp_path, capabilities, reason):
    class Core:
        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return capabilities

    monkeypatch.setattr(openvino.openvino, "Core", Core)
    assert ("openvino-bf16" in available()) == (not reason)
    assert reason in unavailable().get("openvino-bf16", "")
    assert "openvino" in available()
    if reason:
        for ask in (
            lambda: runtime("openvino-bf16"),
            lambda: openvino.OpenVINORuntime(precision="bf16").load(None),
        ):
            with pytest.raises(UnavailableError, match=reason):
                ask()
