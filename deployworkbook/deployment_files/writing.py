"""Write the files to disk, each completely or not at all, and back up what was edited."""

from __future__ import annotations

import shutil
from pathlib import Path

from deployworkbook.deployment_files.bundle import Bundle, digest
from deployworkbook.deployment_files.texts import texts
from deployworkbook.serving.repository.published import PublishedVersion
from deployworkbook.workspace.files import atomic_folder
from deployworkbook.workspace.folder import Workspace
from deployworkbook.workspace.recorded import RecordedFolder, WrittenFiles


def write(directory: Path, bundle: Bundle, *, workspace: Workspace) -> WrittenFiles:
    """Write all files and models into a folder.

    Existing files that were edited, or not written by this function, are first copied to the
    workspace's backups. Files of models that are gone are removed.

    Args:
        directory: The folder; created if missing.
        bundle: What to deploy.
        workspace: The workspace whose backups to use.

    Raises:
        NotADirectoryError: The path is a file.
        OSError: The folder can't be written.
    """
    writer = _Writer(directory, workspace)
    for name, text in texts(bundle).items():
        writer.file(name, text)
    for model in bundle.models:
        for version in model.versions:
            writer.version(f"models/{model.name}/{version.number}", version)
    return writer.finish()


class _Writer(RecordedFolder):
    """A folder that also holds models, each a folder."""

    def version(self, name: str, version: PublishedVersion) -> None:
        """Copy a version of a model, unless it is up to date."""
        target = self.folder / name
        self._record[name] = digest(version)
        if self._hash(target) == self._record[name]:
            return
        with atomic_folder(target) as unfinished:
            shutil.copytree(version.path, unfinished, dirs_exist_ok=True)
            self._remove(name)

    def _hash(self, path: Path) -> str | None:
        """Hash a file or a model's folder; return ``None`` if it doesn't exist."""
        if path.is_dir():
            return digest(PublishedVersion(0, path))
        return super()._hash(path)

    def _delete(self, path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            super()._delete(path)
