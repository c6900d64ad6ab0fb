"""The API reference is complete: read from sources, so that nothing heavy is imported.

A face is a package whose stub lists the names that lessons and users take.
"""

import ast
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "deployworkbook"
FACES = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.pyi"))
FORMULAS = sorted(path.stem for path in (PACKAGE / "formulas").glob("[a-z]*.py"))
COMMAND = re.compile(r"^pdoc .*$", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Export:
    """A name of a face: a function, a class, or, without a node, a constant or a module."""

    face: str
    name: str
    node: ast.AST | None

    def __str__(self):
        return f"{self.face}.{self.name}"

    @property
    def docstring(self):
        return ast.get_docstring(self.node) or ""


@cache
def tree(path):
    return ast.parse(path.read_text())


@cache
def exports(face):
    found = {}
    for statement in tree(PACKAGE / face / "__init__.pyi").body:
        place = statement.module
        for alias in statement.names:
            node = None
            if place is not None:
                folder = PACKAGE / face / place.replace(".", "/")
                path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
                node = definition(path, alias.name)
            found[alias.name] = Export(face, alias.name, node)
    return found


def definition(path, name):
    for node in tree(path).body:
        if isinstance(node, Function | ast.ClassDef) and node.name == name:
            return node
    return None


def arguments_of(node):
    """Name the arguments of a function, or of what makes an object of a class."""
    if isinstance(node, ast.ClassDef):
        own = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        (init, *_) = [each for each in own if each.name == "__init__"] or [None]
        if init is None:
            return [
                each.target.id
                for each in node.body
                if isinstance(each, ast.AnnAssign) and not ast.unparse(each).startswith("_")
            ]
        node = init
    every = node.args
    names = [each.arg for each in (*every.posonlyargs, *every.args, *every.kwonlyargs)]
    return [name for name in names if name != "self"]


def described(docstring):
    """Name the arguments that a docstring's ``Args:`` section describes."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", docstring, re.MULTILINE)
    return set(re.findall(r"^    \*{0,2}(\w+):", section[1], re.MULTILINE)) if section else set()


@cache
def code_of(face):
    """Parse the examples in a face's docstring: sessions with ``>>>`` and indented blocks."""
    docstring = ast.get_docstring(tree(PACKAGE / face / "__init__.py"))
    blocks = re.findall(r"(?:^    .*\n?|^\n(?=    ))+", docstring, re.MULTILINE)
    session = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", docstring, re.MULTILINE)
    blocks = [block for block in blocks if not re.search(r"^    >>>", block, re.MULTILINE)]
    return [ast.parse(re.sub("^    ", "", block, flags=re.MULTILINE)) for block in blocks] + [
        ast.parse("\n".join(session))
    ]


def uses(face, node):
    """Return the names of a face that code uses, by ``face.name`` or once imported."""
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(node)
        if (isinstance(each, ast.Name) and each.id in exports(face))
        or (
            isinstance(each, ast.Attribute)
            and isinstance(each.value, ast.Name)
            and each.value.id == face
        )
    }


@cache
def every_export():
    return [export for face in FACES for export in exports(face).values()]


@cache
def formula_functions():
    return [
        Export(f"formulas.{name}", node.name, node)
        for name in FORMULAS
        for node in tree(PACKAGE / "formulas" / f"{name}.py").body
        if isinstance(node, Function) and not node.name.startswith("_")
    ]


def test_names_say_what_they_are_for_and_describe_their_arguments():
    wrong = []
    defined = [export for export in every_export() if export.node is not None]
    for export in [*defined, *formula_functions()]:
        missing = [
            each for each in arguments_of(export.node) if each not in described(export.docstring)
        ]
        if not export.docstring:
            wrong.append(f"{export} has no docstring")
        elif missing:
            wrong.append(f"{export} does not describe {missing} in its Args: section")
    assert not wrong


def test_names_have_an_example_of_their_own_or_in_their_face():
    wrong = []
    for export in every_export():
        own = export.node is not None and ">>>" in export.docstring
        introduction = ast.get_docstring(tree(PACKAGE / export.face / "__init__.py"))
        mentioned = f"``{export.name}" in introduction and export.node is None
        if not own and not mentioned and not is_shown(export):
            wrong.append(f"{export} is in no example")
    assert not wrong


def is_shown(export):
    return any(export.name in uses(export.face, block) for block in code_of(export.face))


def test_formulas_have_examples_that_run():
    functions = formula_functions()
    assert not [str(function) for function in functions if ">>>" not in function.docstring]


@pytest.mark.parametrize("face", FACES)
def test_examples_of_a_face_import_what_it_exports_and_pass_arguments_that_exist(face):
    for block in code_of(face):
        assert uses(face, block) <= set(exports(face))
        for node in ast.walk(block):
            if isinstance(node, ast.ImportFrom) and node.module == f"deployworkbook.{face}":
                assert {alias.name for alias in node.names} <= set(exports(face))
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).removeprefix(f"{face}.")
            export = exports(face).get(name)
            if export is None or export.node is None:
                continue
            known = arguments_of(export.node)
            given = {each.arg for each in node.keywords if each.arg}
            takes_any = isinstance(export.node, Function) and export.node.args.kwarg
            assert takes_any or given <= set(known), f"{export}: {given - set(known)}"
            assert len(node.args) <= len(known), f"{export} takes {known}"


@pytest.mark.report
def test_the_reference_builds_without_a_warning(tmp_path):
    """As CONTRIBUTING says; it imports all of the package, which takes a minute."""
    (command,) = COMMAND.findall((REPOSITORY / "CONTRIBUTING.md").read_text())
    words = [sys.executable, "-m", *shlex.split(command)]
    words[words.index("build/reference")] = str(tmp_path)
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "warn" not in (done.stdout + done.stderr).lower(), done.stderr
    for face in FACES:
        page = (tmp_path / "deployworkbook" / f"{face}.html").read_text()
        for export in exports(face).values():
            if export.node is not None:
                assert f'id="{export.name}"' in page, f"{export} is not on its page"
    for function in formula_functions():
        place = tmp_path / "deployworkbook" / f"{function.face.replace('.', '/')}.html"
        assert f'id="{function.name}"' in place.read_text()
