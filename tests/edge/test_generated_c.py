"""The C code itself: for any network, without undefined behaviour, and as a firmware's part."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

from deployworkbook.edge.exporting import write_project
from deployworkbook.edge.planning import plan
from deployworkbook.edge.targets import TARGETS
from tests.edge.conftest import Networks

STRICT = [
    *("-std=c99", "-pedantic", "-Werror", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion"),
    *("-Wshadow", "-Wcast-qual", "-Wmissing-prototypes", "-Wstrict-prototypes", "-Wundef"),
]
FORMS = {
    "float32": lambda networks: plan(networks.float32((30, 9, 4))),
    "int8": lambda networks: plan(networks.int8((30, 9, 4))),
    "int8, rounded once": lambda networks: plan(networks.int8((30, 9, 4)), rounding="single"),
    "int8, rounded twice": lambda networks: plan(networks.int8((30, 9, 4)), rounding="double"),
    "int8, sparse": lambda networks: plan(networks.int8((90, 9, 4), sparsity=0.8)),
    "int8, another grid": lambda networks: plan(networks.int8((30, 4), input_zero=-90)),
    "int4": lambda networks: plan(networks.stored((30, 9, 5), per_output=True), layout="int4"),
    "sparse int4": lambda networks: plan(networks.stored((300, 9, 4), sparsity=0.9)),
}


def drawn(seed: int):
    """Draw a network of any size and kind, with rows and columns of zeros and of extremes."""
    networks = Networks(seed)
    random = networks.random
    sizes = [int(random.integers(1, 400)), *random.integers(1, 40, random.integers(1, 4)).tolist()]
    sparsity = float(random.choice([0.0, 0.5, 0.9, 0.99, 1.0]))
    kind = random.choice(["float32", "int8", "stored"])
    if kind == "stored":
        bits, per_output = int(random.choice([2, 4, 8])), bool(random.integers(2))
        network = networks.stored(sizes, sparsity, bits, per_output)
    else:
        network = getattr(networks, kind)(sizes, sparsity)
    for layer in network.layers:
        layer.weights[:, random.integers(layer.weights.shape[1])] = 0
        layer.weights[random.integers(layer.weights.shape[0])] = layer.weights.max()
        layer.weights[-1] = layer.weights.min()
    pixels = networks.pixels(sizes[0], images=20)
    pixels[0], pixels[1] = 0, 255
    return plan(network), pixels


@pytest.mark.parametrize("seed", range(16))
def test_a_network_drawn_by_chance_equals_numpy(seed, run_c, tmp_path) -> None:
    program, pixels = drawn(seed)
    project = write_project(program, "test", tmp_path / "c")
    assert program.table_bytes == sum(
        table.size_bytes for step in program.steps for table in step.tables
    )
    scores, classes = run_c(project, pixels)
    expected = program.scores(pixels)
    if program.score_type == "float":
        np.testing.assert_allclose(scores, expected, atol=1e-5 * max(1, np.abs(expected).max()))
    else:
        np.testing.assert_array_equal(scores, expected)
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))


@pytest.fixture(scope="session")
def sanitizing_compiler(missing, tmp_path_factory):
    """This machine's compiler, if it finds undefined behaviour and wrong addresses."""
    folder = tmp_path_factory.mktemp("sanitizer")
    source = folder / "main.c"
    source.write_text("int main(void) { return 0; }\n")
    options = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    for name in ("gcc", "clang"):
        command = [name, *options, str(source), "-o", str(folder / "main")]
        if shutil.which(name) and not subprocess.run(command, capture_output=True).returncode:
            return [name, *options]
    return missing("C compiler with sanitizers")


@pytest.mark.parametrize("form", FORMS)
def test_sanitizers_find_nothing(form, networks, sanitizing_compiler, tmp_path) -> None:
    program = FORMS[form](networks)
    folder = tmp_path / "c"
    pixels = networks.pixels(program.pixels, images=30)
    write_project(program, "test", folder, test_pixels=pixels)
    run_test(folder, [*sanitizing_compiler, "-O1", *STRICT], images=30)


@pytest.mark.parametrize("form", FORMS)
def test_the_other_compiler_finds_nothing_to_warn_of(form, networks, tmp_path) -> None:
    folder = tmp_path / "c"
    write_project(FORMS[form](networks), "test", folder)
    compiler = [sys.executable, "-m", "ziglang", "cc", *STRICT, "-ffreestanding", "-c"]
    compiled = subprocess.run(
        [*compiler, "-o", folder / "model.o", folder / "model.c"], capture_output=True, text=True
    )
    assert not compiled.returncode, compiled.stderr


def run_test(folder, compiler, images):
    sources = [folder / "test" / "test_model.c", folder / "model.c"]
    built = subprocess.run(
        [*compiler, f"-I{folder}", *sources, "-o", folder / "test_model"],
        capture_output=True,
        text=True,
    )
    assert not built.returncode, built.stderr
    done = subprocess.run([folder / "test_model"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"0 of {images} images differ from NumPy\n"), (
        done.stdout + done.stderr
    )


def test_make_compiles_and_compares(networks, missing, tmp_path) -> None:
    make = shutil.which("make") or missing("make")
    compiler = shutil.which("cc") or missing("C compiler")
    write_project(FORMS["sparse int4"](networks), "test", tmp_path / "c")
    done = subprocess.run(
        [make, "test", f"CC={compiler}"], cwd=tmp_path / "c", capture_output=True, text=True
    )
    assert done.stdout.endswith("0 of 4 images differ from NumPy\n"), done.stdout + done.stderr
    assert "warning" not in done.stderr


def test_a_wrong_score_is_found(networks, missing, tmp_path) -> None:
    compiler = shutil.which("cc") or missing("C compiler")
    write_project(FORMS["int8"](networks), "test", tmp_path)
    vector = tmp_path / "test" / "test_vector.h"
    text = vector.read_text()
    head, scores = text.split("test_scores")
    first = scores.split("{\n")[1].split(",")[0].strip()
    vector.write_text(head + "test_scores" + scores.replace(f"    {first},", "    999,", 1))
    built = [compiler, f"-I{tmp_path}", tmp_path / "test" / "test_model.c", tmp_path / "model.c"]
    subprocess.run([*built, "-o", tmp_path / "wrong"], check=True)
    done = subprocess.run([tmp_path / "wrong"], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"image 0, class 0: {first}, but NumPy has 999" in done.stdout


def test_the_sketch_is_called_like_its_folder_and_compiles(networks, tmp_path) -> None:
    folder = tmp_path / "digits"
    write_project(FORMS["sparse int4"](networks), "test", folder)
    # What Arduino puts before a sketch, as far as this one needs it.
    (tmp_path / "Arduino.h").write_text(
        "#include <stddef.h>\n#include <stdint.h>\n"
        "struct Port { void begin(long); size_t readBytes(uint8_t *, size_t);"
        " void println(uint16_t); };\nextern Port Serial;\n"
    )
    command = [sys.executable, "-m", "ziglang", "c++", *TARGETS["cortex-m0plus"].options]
    command += ["-x", "c++", "-Wall", "-Werror", "-c", "-o", tmp_path / "sketch.o", f"-I{folder}"]
    command += ["-include", tmp_path / "Arduino.h", folder / "digits.ino"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize("form", [form for form in FORMS if form != "float32"])
def test_whole_numbers_need_no_float(form, networks, tmp_path) -> None:
    write_project(FORMS[form](networks), "test", tmp_path / "c")
    code = (tmp_path / "c" / "model.c").read_text()
    lines = [line for line in code.splitlines() if not line.lstrip().startswith(("*", "/*"))]
    assert not [line for line in lines if "float" in line or "double" in line or "malloc" in line]
    assert max(map(len, code.splitlines())) <= 120
