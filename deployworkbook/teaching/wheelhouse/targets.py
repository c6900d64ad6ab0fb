"""The machines that wheels are for: a platform and a version of Python."""

from __future__ import annotations

import platform as machine
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata

from packaging import tags
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from deployworkbook.validation import value_error

PLATFORM = re.compile(
    r"manylinux_(?P<glibc>2_\d{1,2})_(?P<linux>x86_64|aarch64)"
    r"|win_(?P<windows>amd64|arm64)"
    r"|macosx_(?P<macos>\d{2}_\d)_(?P<mac>arm64|x86_64)"
)
# Linux distributions of the last years have at least this version of glibc.
USUAL_GLIBC = "2_28"
# Names that wheels for old versions of glibc have as well.
LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# Python's minor versions get some fifteen bugfix releases.
NEWEST_BUGFIX = 30
OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}


@dataclass(frozen=True)
class Target:
    """A kind of machine, as pip knows it.

    Args:
        platform: Such as ``manylinux_2_28_x86_64``, ``win_amd64`` or ``macosx_14_0_arm64``.
        python: Version of Python, such as ``3.11``.

    Raises:
        ValueError: The workbook doesn't run there, or pip has no such name.

    >>> Target("manylinux_2_28_x86_64", "3.11").system
    'Linux'
    """

    platform: str
    python: str

    def __post_init__(self) -> None:
        if not PLATFORM.fullmatch(self.platform):
            expected = "such as manylinux_2_28_x86_64, win_amd64 or macosx_14_0_arm64"
            raise value_error("platform", received=repr(self.platform), expected=expected)
        wanted = metadata.metadata("deployworkbook")["Requires-Python"]
        if not re.fullmatch(r"3\.\d+", self.python) or not SpecifierSet(wanted).contains(
            f"{self.python}.0"
        ):
            raise value_error("python", received=repr(self.python), expected=f"3.N with {wanted}")

    @property
    def system(self) -> str:
        """``Linux``, ``Windows`` or ``Darwin``, as Python's ``platform.system()`` has it."""
        by_name = {"manylinux": "Linux", "win": "Windows", "macosx": "Darwin"}
        return by_name[self.platform.partition("_")[0]]

    @property
    def processor(self) -> str:
        """The processor, as Python's ``platform.machine()`` has it."""
        return self._named.upper() if self.system == "Windows" else self._named

    @property
    def glibc(self) -> tuple[int, int]:
        """The oldest version of glibc that these wheels run with; ``(0, 0)`` outside Linux."""
        if self.system != "Linux":
            return (0, 0)
        major, minor = self.platform.split("_")[1:3]
        return (int(major), int(minor))

    @property
    def newest(self) -> str:
        """The newest bugfix release that there may be. Wheels say themselves what they need."""
        return f"{self.python}.{NEWEST_BUGFIX}"

    @property
    def abi(self) -> str:
        """The interpreter's tag, such as ``cp311``."""
        return f"cp{self.python.replace('.', '')}"

    @cached_property
    def platforms(self) -> list[str]:
        """All platforms whose wheels run there, the most special first."""
        if self.system == "Windows":
            return [self.platform]
        if self.system == "Darwin":
            major, minor = (int(number) for number in self.platform.split("_")[1:3])
            return list(tags.mac_platforms((major, minor), self._named))
        return list(self._manylinux())

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """The tags of all wheels that run there."""
        major, minor = (int(number) for number in self.python.split("."))
        version = (major, minor)
        own = tags.cpython_tags(version, platforms=self.platforms)
        others = tags.compatible_tags(version, self.abi, self.platforms)
        return frozenset([*own, *others])

    @cached_property
    def environment(self) -> dict[str, str]:
        """What the markers of requirements are compared with, such as ``sys_platform``."""
        names = {"Linux": "linux", "Windows": "win32", "Darwin": "darwin"}
        return {
            "implementation_name": "cpython",
            "implementation_version": self.newest,
            "os_name": "nt" if self.system == "Windows" else "posix",
            "platform_machine": self.processor,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": self.system,
            "platform_version": "",
            "python_full_version": self.newest,
            "python_version": self.python,
            "sys_platform": names[self.system],
        }

    def takes(self, wheel: str) -> bool:
        """Return whether a wheel runs there.

        Args:
            wheel: Its file name.

        >>> Target("win_amd64", "3.12").takes("psutil-7.2.2-cp37-abi3-win_amd64.whl")
        True
        """
        return not self.tags.isdisjoint(parse_wheel_filename(wheel)[3])

    @property
    def _named(self) -> str:
        # Linux's and macOS's names of processors may have an underscore themselves.
        return self.platform.split("_", maxsplit=1 if self.system == "Windows" else 3)[-1]

    def _manylinux(self) -> Iterator[str]:
        for minor in range(self.glibc[1], OLDEST_GLIBC[self._named] - 1, -1):
            yield f"manylinux_2_{minor}_{self._named}"
            if minor in LEGACY:
                yield f"{LEGACY[minor]}_{self._named}"


def this_platform() -> str:
    """Return the platform of this machine; for Linux, one that most distributions share.

    >>> bool(PLATFORM.fullmatch(this_platform())) or machine.system() not in ("Linux", "Darwin")
    True
    """
    if sys.platform == "linux":
        return f"manylinux_{USUAL_GLIBC}_{machine.machine()}"
    return next(tags.sys_tags()).platform


def this_python() -> str:
    """Return this interpreter's version, such as ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
