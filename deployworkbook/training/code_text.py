"""Text for a language model that every machine has: the sources of Python's standard library.

It is split by modules and packages, so that nothing a model learned from is tested, not even a
sibling file of the same package.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LICENCE = "PSF License Agreement, version 2; see license() in Python"

# Tests and programs that come with the library, tables of characters, and what isn't part of it.
LEFT_OUT = frozenset(
    {
        *("test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter", "turtle.py"),
        *("encodings", "pydoc_data", "ensurepip", "distutils", "msilib", "_pyrepl"),
        *("site-packages", "dist-packages", "lib-dynload", "__pycache__", "__phello__"),
    }
)
# One module or package in this many is held out, chosen by its name.
HELD_OUT_ONE_IN = 10
# Bytes between two files.
SEPARATOR = b"\0"


@dataclass(frozen=True)
class CodeText:
    """Python sources in two parts.

    Args:
        train: Text to learn from, by module or package.
        held_out: Text to measure with alone, by module or package.
        source: Where it is from, and its licence.
    """

    train: Mapping[str, bytes]
    held_out: Mapping[str, bytes]
    source: str

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all texts: equal for equal sources."""
        digest = hashlib.sha256()
        for part in (self.train, self.held_out):
            for name, text in part.items():
                digest.update(f"{name} {len(text)} ".encode())
                digest.update(text)
        return digest.hexdigest()[:16]

    def __str__(self) -> str:
        sizes = [
            f"{sum(map(len, part.values())):,} bytes of {len(part)} modules"
            for part in (self.train, self.held_out)
        ]
        return f"{self.source}\n{sizes[0]} to train, {sizes[1]} held out."

    def __repr__(self) -> str:
        return f"<CodeText {self.fingerprint}: {self}>"


def load_code_text(folder: Path | None = None) -> CodeText:
    """Read Python's standard library, without its tests, and hold out every tenth module.

    A module's name decides by its hash where it belongs, so that a module that one version of
    Python adds moves no other.

    Args:
        folder: Folder of the sources; by default that of the running Python's library.

    Raises:
        FileNotFoundError: There are no sources in the folder.

    >>> text = load_code_text()
    >>> "json" in text.train, "json" in text.held_out, "re" in text.held_out
    (True, False, True)
    """
    root = folder or Path(sysconfig.get_path("stdlib"))
    files: dict[str, list[bytes]] = defaultdict(list)
    for path in _sources(root):
        files[path.relative_to(root).parts[0].removesuffix(".py")].append(path.read_bytes())
    if not files:
        raise FileNotFoundError(
            f"There are no Python sources in {root}. Install Python with its library's sources, "
            "or pass a folder with Python code."
        )
    texts = {name: SEPARATOR.join(parts) for name, parts in files.items()}
    held_out = {name: text for name, text in texts.items() if is_held_out(name)}
    train = {name: text for name, text in texts.items() if name not in held_out}
    version = sysconfig.get_python_version()
    source = f"Python {version}'s standard library from {root}, {LICENCE}."
    return CodeText(train, held_out, source)


def is_held_out(module: str) -> bool:
    """Tell whether a module is one to measure with.

    Args:
        module: Name of a module or package at the library's top level.

    >>> is_held_out("urllib"), is_held_out("asyncio")
    (True, False)
    """
    return int(hashlib.sha256(module.encode()).hexdigest(), 16) % HELD_OUT_ONE_IN == 3


def _sources(root: Path) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(root):
        # What is installed beside the library is far more than the library.
        folders[:] = set(folders) - LEFT_OUT
        # What was written when this Python was built differs from machine to machine.
        found += [
            Path(folder, name)
            for name in set(names) - LEFT_OUT
            if name.endswith(".py") and not name.startswith("_sysconfigdata")
        ]
    return sorted(found)
