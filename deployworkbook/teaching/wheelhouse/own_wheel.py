"""The workbook's own wheel: built from the source, or put together from the installed files."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib import metadata
from pathlib import Path

from deployworkbook.teaching.wheelhouse.downloading import build_source
from deployworkbook.teaching.wheelhouse.requirements import PACKAGE

NAME = "deployworkbook"
# Files that pip writes beside a wheel's own.
_ADDED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
# A wheel's files have a date, and zip's begin in 1980; a constant one makes equal wheels equal.
_DATE = (1980, 1, 1, 0, 0, 0)


def own_wheel(folder: Path) -> Path:
    """Write the workbook's wheel, without a network if it is installed from one.

    Args:
        folder: Existing folder for the wheel.

    Raises:
        OSError: It can't be built, or an installed file was changed or is missing.
    """
    source = PACKAGE.parent
    if (source / "pyproject.toml").is_file():
        build_source(source, folder)
        (built,) = folder.glob(f"{NAME}-*.whl")
        return built
    return repacked(NAME, folder)


def repacked(name: str, folder: Path) -> Path:
    """Put the wheel of an installed package together from its files.

    Args:
        name: Name of a pure Python package, installed from a wheel.
        folder: Existing folder for the wheel.

    Raises:
        OSError: A file isn't as it was installed, or is missing.
    """
    package = metadata.distribution(name)
    target = folder / f"{name.replace('-', '_')}-{package.version}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in package.files or ():
            inside = file.as_posix()
            # Scripts in another folder are made anew by whoever installs the wheel.
            if inside.startswith("../") or "__pycache__" in inside:
                continue
            if inside.count("/") == 1 and ".dist-info/" in inside and file.name in _ADDED:
                continue
            content = Path(str(file.locate())).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            if file.hash and file.hash.value != digest:
                raise OSError(f"{inside} isn't as it was installed. Reinstall {name}.")
            archive.writestr(zipfile.ZipInfo(inside, _DATE), content, zipfile.ZIP_DEFLATED)
            record.append(f"{inside},sha256={digest},{len(content)}")
        place = f"{name.replace('-', '_')}-{package.version}.dist-info/RECORD"
        lines = "\n".join([*record, f"{place},,", ""])
        archive.writestr(zipfile.ZipInfo(place, _DATE), lines, zipfile.ZIP_DEFLATED)
    return target
