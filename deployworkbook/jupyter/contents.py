"""The lab's files: Jupyter's own, except that the list of lessons is written when it is asked for.

Enable it in JupyterLab with
``--ServerApp.contents_manager_class=deployworkbook.jupyter.contents.FreshLessonList``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from deployworkbook.jupyter.lesson_list import LESSON_LIST, write_lesson_list
from deployworkbook.workspace.folder import Workspace


class FreshLessonList(AsyncLargeFileManager):
    """Jupyter's own files; the list of lessons shows what a learner has solved by now."""

    async def get(self, path: str, content: bool = True, *others: Any, **options: Any) -> Any:
        """Return a file or folder; write the list of lessons before its text is read.

        Args:
            path: Path below the server's root.
            content: Whether to read the content as well.
            *others: Jupyter's own.
            **options: Jupyter's own.
        """
        if content and path.strip("/") == LESSON_LIST:
            workspace = Workspace(Path(self.root_dir))
            try:
                write_lesson_list(workspace)
            except OSError as error:
                self.log.warning("%s is not up to date: %s", LESSON_LIST, error)
        return await super().get(  # type: ignore[no-untyped-call]
            path, content, *others, **options
        )
