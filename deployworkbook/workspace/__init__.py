"""A learner's folder: where its files are, how they are written, and cached results.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from deployworkbook.workspace import Workspace, build_once
>>> with TemporaryDirectory() as folder:
...     mine = Workspace(Path(folder) / "lessons").create()
...     for _ in range(2):  # the second call finds what the first has built
...         result, is_new = build_once(
...             mine.models / "answer",
...             build=lambda path: (path / "answer.txt").write_text("42"),
...             load=lambda path: int((path / "answer.txt").read_text()),
...         )
...         print(result, is_new)
42 True
42 False

The folder of this process is:

    from deployworkbook.workspace import current_workspace

    print(current_workspace().root)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
