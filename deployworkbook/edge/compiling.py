"""Compile a model in C: for microcontrollers, WebAssembly, or this computer.

The compiler comes from PyPI: ``ziglang`` is Clang with libraries for many processors. For this
computer, the machine's own C compiler serves as well.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deployworkbook.edge.project import CProject
from deployworkbook.edge.sections import Sections, read_sections
from deployworkbook.edge.targets import TARGETS, Target
from deployworkbook.runtimes.base import UnavailableError
from deployworkbook.validation import check_choice

FUNCTIONS = ("model_scores", "model_classify")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-pedantic")
# Functions and tables that nothing uses are left out of the program.
_LEAN = (
    *("-ffunction-sections", "-fdata-sections"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
)
LINKER_SCRIPT = Path(__file__).parent / "native" / "memory.ld"
OPTIMIZATIONS = ("-Os", "-O2", "-O3", "-O0")


class CompileError(RuntimeError):
    """The compiler refused a file; the message is its own."""


@dataclass(frozen=True)
class Build:
    """A model compiled for a processor.

    Args:
        path: The program: an ELF file for a microcontroller, a module for WebAssembly, a shared
            library for this computer; for AVR, an object file.
        target: Name of the processor.
        sections: Its bytes by section, for a microcontroller; else ``None``.
        compiler: The command that compiled it.
    """

    path: Path
    target: str
    sections: Sections | None
    compiler: str

    @property
    def flash_bytes(self) -> int | None:
        """Bytes of flash: code and tables; ``None`` unless it is for a microcontroller."""
        return None if self.sections is None else self.sections.flash_bytes

    @property
    def ram_bytes(self) -> int | None:
        """Bytes of RAM, without the image and the stack; ``None`` as for flash."""
        return None if self.sections is None else self.sections.ram_bytes


def compile_c(
    project: CProject,
    target: str = "cortex-m0plus",
    *,
    optimize: str = "-Os",
    sources: Sequence[Path] = (),
    functions: Sequence[str] = FUNCTIONS,
    options: Sequence[str] = (),
) -> Build:
    """Compile a model, and link it into a program.

    For AVR it is only compiled: its bytes lack the multiplications of 32 and 64 bits that AVR's own
    compiler links in, some 100 bytes.

    Args:
        project: What ``export_c`` wrote.
        target: One of ``TARGETS``.
        optimize: ``"-Os"`` for few bytes, ``"-O2"`` or ``"-O3"`` for few cycles, ``"-O0"``.
        sources: C files of your own to compile with it; none for AVR.
        functions: Functions to keep: what none of them needs is left out.
        options: More options for the compiler.

    Returns:
        The program in the project's folder, with its bytes by section.

    Raises:
        UnavailableError: There is no compiler for the target.
        CompileError: The compiler refused a file; the message is its own.
    """
    folder = project.directory / "build"
    folder.mkdir(exist_ok=True)
    return compile_files(
        [*project.sources, *sources],
        folder,
        target,
        optimize=optimize,
        functions=functions,
        options=[f"-I{project.directory}", *options],
    )


def compile_files(
    sources: Sequence[Path],
    folder: Path,
    target: str,
    *,
    functions: Sequence[str],
    optimize: str = "-Os",
    options: Sequence[str] = (),
) -> Build:
    """Compile C files, and link them into a program.

    Args:
        sources: The files.
        folder: Where the program is put, under the target's name.
        target: As in ``compile_c``, like the other arguments and errors.
        functions: Functions to keep.
        optimize: How to optimize.
        options: More options for the compiler.
    """
    chosen = TARGETS[check_choice("target", target, TARGETS)]
    check_choice("optimize", optimize, OPTIMIZATIONS)
    compiler = find_compiler(chosen)
    path = folder / f"{chosen.name}{chosen.suffix or _library_suffix()}"
    command = [
        *compiler,
        *(f"-std={chosen.standard}", optimize, *WARNINGS, *_LEAN, *chosen.options),
        *_linking(chosen, functions),
        *options,
        *map(str, sources),
        *("-o", str(path)),
    ]
    _run(command, is_bare=chosen.is_bare and chosen.is_linked)
    sections = read_sections(path.read_bytes()) if chosen.is_bare else None
    return Build(path, chosen.name, sections, shlex.join(compiler))


def _run(command: Sequence[str], *, is_bare: bool) -> None:
    """Run the compiler, without its library of arithmetic if that isn't needed.

    A core without floating point or 64 bits needs it, and building it once takes some seconds.
    """
    for libraries in (["-nostdlib"], []) if is_bare else ([],):
        done = subprocess.run([*command, *libraries], capture_output=True, text=True, check=False)
        if not done.returncode:
            return
        if "undefined symbol: __" not in done.stderr:
            break
    raise CompileError(done.stderr.strip() or done.stdout.strip())


def find_compiler(target: Target) -> list[str]:
    """Return the command of a compiler for a target.

    Args:
        target: What to compile for. For this computer, the compiler that the environment variable
            ``CC`` names comes first, then ``ziglang``, then ``cc``.

    Raises:
        UnavailableError: There is none; the message says what to install.
    """
    is_host = not target.triple
    if is_host and os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    if is_host:
        for name in ("cc", "gcc", "clang"):
            if path := shutil.which(name):
                return [path]
    raise UnavailableError(
        f"{target.name}: no C compiler is installed. Install one: pip install ziglang"
    )


def _linking(target: Target, functions: Sequence[str]) -> list[str]:
    if not target.is_linked:
        return ["-c", "-ffreestanding", "-Wno-avr-rtlib-linking-quirks"]
    if target.is_bare:
        kept = [f"-Wl,-u,{name}" for name in functions]
        entry = f"-Wl,--entry={functions[0]}"
        options = ["-ffreestanding", "-static", "-Wl,--gc-sections"]
        # The file then has no holes between flash and RAM.
        options.append("-Wl,-z,max-page-size=4")
        return [*options, entry, *kept, "-T", str(LINKER_SCRIPT)]
    if target.triple:
        kept = [f"-Wl,--export={name}" for name in functions]
        return ["-ffreestanding", "-nostdlib", "-Wl,--no-entry", *kept]
    # The model needs no library. Where the system allows it, none is looked for, or built first.
    return ["-shared", "-fPIC", *(["-nostdlib"] if sys.platform == "linux" else [])]


def _library_suffix() -> str:
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
