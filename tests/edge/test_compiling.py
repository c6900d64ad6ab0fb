"""Compiled for microcontrollers: bytes by section, and errors as the compiler words them."""

from __future__ import annotations

import numpy as np
import pytest
import wasmtime

from deployworkbook.edge import compiling
from deployworkbook.edge.compiling import CompileError, compile_c, find_compiler
from deployworkbook.edge.exporting import write_project
from deployworkbook.edge.planning import plan
from deployworkbook.edge.targets import TARGETS
from deployworkbook.runtimes.base import UnavailableError

# Those with flash and RAM, and a name in the ledger.
BARE = [name for name, target in TARGETS.items() if target.is_bare]


@pytest.fixture
def project(networks, tmp_path):
    network = networks.stored((200, 30, 10), sparsity=0.9)
    return write_project(plan(network), "test", tmp_path / "c")


@pytest.mark.parametrize("target", BARE)
def test_flash_and_ram_are_as_predicted(target, project) -> None:
    build = compile_c(project, target, options=["-Werror"])
    sections = build.sections
    # To the byte, but for what aligns tables of two and four bytes.
    assert 0 <= sections.constants - project.table_bytes <= 8
    assert build.ram_bytes == project.buffer_bytes
    assert build.flash_bytes == sections.code + sections.constants
    # AVR has registers of 8 bits: four instructions for a sum of 32.
    assert 100 < sections.code < (1500 if target == "avr" else 600)


def test_code_is_as_small_as_it_was_measured(project) -> None:
    # 294 bytes on a Cortex-M0+ with ziglang 0.17; other versions differ by a few instructions.
    assert compile_c(project, "cortex-m0plus").sections.code == pytest.approx(294, rel=0.05)


def test_tables_of_an_unused_function_are_left_out(project) -> None:
    source = project.directory / "answer.c"
    source.write_text("int answer(void);\nint answer(void) { return 42; }\n")
    build = compile_c(project, "cortex-m0plus", sources=[source], functions=["answer"])
    assert build.flash_bytes < 10
    assert build.ram_bytes == 0


def test_webassembly_is_a_module(project) -> None:
    build = compile_c(project, "wasm32", options=["-Werror"])
    assert build.path.read_bytes().startswith(b"\0asm")
    assert build.sections is None


@pytest.mark.parametrize("kind", ["stored", "int8", "float32"])
def test_webassembly_equals_numpy(kind, networks, tmp_path) -> None:
    program = plan(getattr(networks, kind)((60, 12, 10)))
    project = write_project(program, "test", tmp_path / "c")
    source = tmp_path / "buffers.c"
    source.write_text(
        '#include "model.h"\n'
        "uint8_t image[MODEL_PIXELS];\nmodel_score_t scores[MODEL_CLASSES];\n"
        "uint8_t *image_at(void);\nuint8_t *image_at(void) { return image; }\n"
        "model_score_t *run(void);\n"
        "model_score_t *run(void) { model_scores(image, scores); return scores; }\n"
    )
    build = compile_c(project, "wasm32", sources=[source], functions=["image_at", "run"])
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, build.path.read_bytes())
    exports = wasmtime.Instance(store, module, []).exports(store)
    pixels = networks.pixels(60, images=20)
    for image, expected in zip(pixels, program.scores(pixels), strict=True):
        exports["memory"].write(store, image.tobytes(), exports["image_at"](store))
        place = exports["run"](store)
        found = exports["memory"].read(store, place, place + expected.nbytes)
        scores = np.frombuffer(found, expected.dtype)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * (kind == "float32"))


def test_the_compiler_s_error_is_shown_as_it_is(project) -> None:
    source = project.directory / "wrong.c"
    source.write_text("int wrong(void) { return missing; }\n")
    with pytest.raises(CompileError, match=r"wrong\.c:1:26: error: .*'missing'"):
        compile_c(project, "cortex-m0plus", sources=[source])


def test_an_unknown_target_lists_those_there_are(project) -> None:
    with pytest.raises(ValueError, match="cortex-m0plus"):
        compile_c(project, "cortex-m5")


def test_without_ziglang_this_machine_s_compiler_serves(monkeypatch) -> None:
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    monkeypatch.setattr(compiling.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.delenv("CC", raising=False)
    assert find_compiler(TARGETS["host"]) == ["/usr/bin/cc"]
    with pytest.raises(UnavailableError, match="pip install ziglang"):
        find_compiler(TARGETS["cortex-m0plus"])
    monkeypatch.setenv("CC", "gcc -m64")
    assert find_compiler(TARGETS["host"]) == ["gcc", "-m64"]
