"""A few lines of C of your own: called from Python, or compiled for a microcontroller."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from deployworkbook.edge.compiling import compile_files
from deployworkbook.edge.sections import Sections
from deployworkbook.edge.tables import C_TYPES
from deployworkbook.edge.targets import TARGETS
from deployworkbook.validation import check_choice, describe, type_error, value_error

_PRELUDE = "#include <stddef.h>\n#include <stdint.h>\n#line 1\n"
_RESULTS: dict[str, Any] = {
    **{name: np.ctypeslib.as_ctypes_type(dtype) for name, dtype in C_TYPES.items()},
    "void": None,
}


def c_function(text: str, name: str, *, result: str = "int32_t") -> Callable[..., Any]:
    """Compile a function of C for this computer, to call it from Python.

    The function takes NumPy arrays as pointers, and Python's whole numbers as ``int32_t``. C checks
    no length: a function that reads beyond an array's end may end the whole kernel.

    Args:
        text: Lines of C; the fixed-width types of ``stdint.h`` are there.
        name: Name of the function.
        result: C type of what it returns: ``"int32_t"``, ``"int16_t"``, ``"float"``, ``"void"`` …

    Returns:
        The function; its arrays are changed in place.

    Raises:
        UnavailableError: There is no compiler.
        CompileError: The compiler refused the text; the message is its own.
        ValueError: The text has no such function.

    >>> half = c_function("int32_t half(int32_t a) { return a / 2; }", "half")
    >>> half(9)
    4
    """
    kind = _RESULTS[check_choice("result", result, _RESULTS)]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        build = compile_files(
            [_written(text, Path(folder))],
            Path(folder),
            "host",
            functions=[name],
            options=["-Wno-missing-prototypes"],
        )
        library = ctypes.CDLL(str(build.path))
    try:
        function = library[name]
    except AttributeError:
        raise value_error(
            "name",
            received=repr(name),
            expected="a function of the text that isn't static",
        ) from None
    function.restype = kind

    def call(*arguments: Any) -> Any:
        return function(*(_argument(each) for each in arguments))

    call.__name__ = name
    return call


def c_bytes(text: str, functions: Sequence[str], target: str = "cortex-m0plus") -> Sections:
    """Compile lines of C for a microcontroller, to see what they take.

    Args:
        text: Lines of C.
        functions: Names of the functions to keep.
        target: One of ``TARGETS`` that is a microcontroller.

    Returns:
        Bytes by section, with those of what the functions need.

    Raises:
        UnavailableError: There is no compiler.
        CompileError: The compiler refused the text; the message is its own.
        ValueError: The target is no microcontroller.

    >>> c_bytes("int32_t half(int32_t a) { return a / 2; }", ["half"]).code < 20
    True
    """
    check_choice("target", target, [name for name, each in TARGETS.items() if each.is_bare])
    with TemporaryDirectory() as folder:
        source = _written(text, Path(folder))
        sections = compile_files([source], Path(folder), target, functions=functions).sections
    assert sections is not None  # noqa: S101 - a microcontroller's program has them
    return sections


def _written(text: str, folder: Path) -> Path:
    source = folder / "snippet.c"
    source.write_text(_PRELUDE + text + "\n")
    return source


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if not value.flags.c_contiguous:
            raise value_error(
                "argument",
                received=f"{describe(value)}, not contiguous",
                expected="an array in one piece",
                remedy="Pass np.ascontiguousarray(array).",
            )
        return value.ctypes.data_as(ctypes.c_void_p)
    if isinstance(value, int | np.integer):
        return ctypes.c_int32(int(value))
    if isinstance(value, float | np.floating):
        return ctypes.c_float(float(value))
    raise type_error(
        "argument", received=describe(value), expected="an array of NumPy, or a number"
    )
