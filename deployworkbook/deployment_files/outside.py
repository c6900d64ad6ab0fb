"""Tests of the deployed models from outside: their golden images, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.deployment_files.bundle import BundledModel
from deployworkbook.serving import probing
from deployworkbook.serving.probing.golden import Golden

# What the checks consist of; the folders make it the same package where the workbook is missing.
_PACKAGE = "deployworkbook/serving/probing"
_MODULES = ("__main__", "checks", "golden", "report", "rest")
# The template of each file, by the file's path.
TEMPLATES = {
    "probe.yaml": "probe.yaml",
    "junit/pom.xml": "junit/pom.xml",
    "junit/run.sh": "junit/run.sh",
    **{
        f"junit/src/test/java/deployworkbook/{name}.java": f"junit/{name}.java"
        for name in ("DeployedModelTest", "Golden", "Json")
    },
}


_HOW = "Serve it and record them:"


@dataclass(frozen=True)
class FoundGolden:
    """Golden images of the models to deploy.

    Args:
        golden: One per model that has current ones.
        notes: What to tell about the others, and how to get theirs.
    """

    golden: tuple[Golden, ...]
    notes: tuple[str, ...]


def find_golden(models: Sequence[BundledModel], folder: Path) -> FoundGolden:
    """Find the golden images of the versions to deploy.

    Args:
        models: The models.
        folder: The folder of ``NAME.json``, as ``deployworkbook probe --record`` writes them.

    Raises:
        ValueError: A file is damaged.
    """
    golden, notes = [], []
    for model in models:
        path = folder / f"{model.name}.json"
        newest = model.versions[-1].number
        how = f"deployworkbook probe ADDRESS --model {model.name} --record"
        if not path.exists():
            notes.append(
                f"{model.name} has no golden images, so no tests from outside. {_HOW} {how}."
            )
            continue
        found = Golden.from_json(path.read_text("utf-8"), str(path))
        if found.version == newest:
            golden.append(found)
        else:
            notes.append(
                f"{model.name}: the golden images are of version {found.version}, and version "
                f"{newest} is deployed, so there are no tests from outside. {_HOW} {how}."
            )
    return FoundGolden(tuple(golden), tuple(notes))


def checks_code() -> dict[str, str]:
    """Return the source of the checks by path; it needs nothing but Python."""
    folder = Path(probing.__file__).parent
    return {
        f"{_PACKAGE}/{name}.py": (folder / f"{name}.py").read_text("utf-8") for name in _MODULES
    }


def plain_files(golden: Sequence[Golden]) -> dict[str, str]:
    """Return the files that are no templates: the checks, and the golden images."""
    files = {f"probe/{path}": text for path, text in checks_code().items()}
    return files | {f"probe/golden/{each.model}.json": each.to_json() for each in golden}
