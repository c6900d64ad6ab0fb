"""The form of the lessons, read from their files."""

import ast
import json
import re
from pathlib import Path
from statistics import median

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MAGICS = {"%matplotlib inline"}
# An exception inside these lets a headless run pass, and they can make it hang.
FORBIDDEN = {"interact", "interactive", "interactive_output", "interact_manual", "Output"}
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]")
README = Path(__file__).parents[2] / "README.md"
PACKAGE = Path(__file__).parents[2] / "deployworkbook"
# What lessons and users may import: the faces, and the modules of formulas.
PUBLIC = {f"deployworkbook.{stub.parent.name}" for stub in PACKAGE.rglob("__init__.pyi")}
PUBLIC |= {f"deployworkbook.formulas.{path.stem}" for path in PACKAGE.glob("formulas/[!_]*.py")}
# Imports of the package in all lessons together: about eleven in each.
MOST_IMPORTS = 11 * len(NOTEBOOKS)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def python_of(cell):
    lines = cell.source.splitlines()
    return "\n".join(line for line in lines if line.strip() not in MAGICS)


def code_lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def test_it_is_a_valid_notebook(path):
    nbformat.validate(json.loads(path.read_text()))


def test_outputs_and_counts_are_stripped(path):
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "widgets" not in read(path).metadata


def test_every_guess_opens_something(path):
    text = "\n".join(cell.source for cell in code_cells(path))
    guesses = list(re.finditer(r"^(\w+) = predict\(\s*\"([\w.]+)\"", text, re.MULTILINE))
    assert len(guesses) == text.count('predict("') >= 1
    for guess in guesses:
        later = text[guess.end() :].split(f"\n{guess[1]} = predict(")[0]
        assert f"{guess[1]}.opens(" in later, guess[2]


def test_it_says_what_the_catalogue_needs(path):
    about = read(path).metadata["deployworkbook"]
    assert set(about) == {"title", "question", "minutes", "fast"}
    assert about["minutes"] > 0
    assert about["question"].endswith("?")


def test_it_opens_with_title_question_aims_and_minutes(path):
    notebook = read(path)
    about = notebook.metadata["deployworkbook"]
    first = notebook.cells[0].source
    assert first.startswith(f"# {path.stem[:2]} {about['title']}\n")
    assert f"**{about['question']}**" in first
    assert len(re.findall(r"^- ", first, re.MULTILINE)) == 3
    assert f"{about['minutes']} minutes" in first


def test_it_has_one_cell_of_parameters_with_the_fast_ones_among_them(path):
    tagged = [c for c in code_cells(path) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    names = {
        node.targets[0].id
        for node in ast.parse(tagged[0].source).body
        if isinstance(node, ast.Assign)
    }
    assert set(read(path).metadata["deployworkbook"]["fast"]) <= names


def test_cells_are_short(path):
    lengths = [len(code_lines(cell)) for cell in code_cells(path)]
    assert max(lengths) <= 25
    assert median(lengths) <= 8


def test_no_magics_and_no_shell(path):
    for cell in code_cells(path):
        for line in cell.source.splitlines():
            if line.lstrip().startswith(("%", "!")):
                assert line.strip() in MAGICS


def test_nothing_that_hides_errors(path):
    for cell in code_cells(path):
        names = {
            getattr(node, "id", getattr(node, "attr", None))
            for node in ast.walk(ast.parse(python_of(cell)))
        }
        assert not names & FORBIDDEN


def own_imports(path):
    """The package's modules that each import statement of a lesson names."""
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(python_of(cell))):
            if isinstance(node, ast.Import):
                modules = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                modules = {name if name in PUBLIC else node.module for name in inner}
            else:
                continue
            own = {name for name in modules if name.split(".")[0] == "deployworkbook"}
            if own:
                yield own


def test_it_imports_the_package_through_faces_and_formulas_only(path):
    for modules in own_imports(path):
        assert modules <= PUBLIC


def test_all_lessons_together_need_few_imports():
    assert sum(1 for path in NOTEBOOKS for _ in own_imports(path)) <= MOST_IMPORTS


def test_texts_name_faces_and_formulas_only():
    cells = [cell.source for path in NOTEBOOKS for cell in read(path).cells]
    for text in [*cells, README.read_text()]:
        for name in re.findall(r"\b(?:from|import) (deployworkbook\.[\w.]*\w)", text):
            assert name in PUBLIC | {"deployworkbook.formulas"}


def test_no_emoji(path):
    assert not [cell.source for cell in read(path).cells if EMOJI.search(cell.source)]


def test_it_ends_with_what_was_learnt_and_a_link(path):
    last = read(path).cells[-1]
    assert last.cell_type == "markdown"
    assert len(re.findall(r"^- ", last.source, re.MULTILINE)) == 3
    assert "ledger" in last.source
    targets = re.findall(r"\]\((\w+\.ipynb)\)", last.source)
    assert targets
    for target in targets:
        assert (path.parent / target).exists()


def test_all_its_links_lead_to_lessons(path):
    for cell in read(path).cells:
        for target in re.findall(r"\]\((\w+\.ipynb)", cell.source):
            assert (path.parent / target).exists()


def test_no_function_stands_in_two_lessons(path):
    def functions(which):
        return {
            node.name
            for cell in code_cells(which)
            for node in ast.walk(ast.parse(python_of(cell)))
            if isinstance(node, ast.FunctionDef)
        }

    others = set().union(*(functions(other) for other in NOTEBOOKS if other != path))
    assert not functions(path) & others
