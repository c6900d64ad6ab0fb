"""The layers: who may import whom, read from the source."""

import ast
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "deployworkbook"

# What each part of the package may import from the rest of it; a part is a folder or a module.
ALLOWED = {
    "__init__": set(),
    "validation": set(),
    "telemetry": set(),
    "workspace": {"validation"},
    "formulas": {"validation"},
    "ledger": {"validation", "workspace", "formulas"},
    "costs": {"validation", "workspace", "formulas"},
    "training": {"validation", "workspace", "formulas", "ledger"},
    "runtimes": {"validation", "workspace", "formulas", "ledger", "telemetry", "training"},
    "compression": {
        "validation",
        "workspace",
        "ledger",
        "formulas",
        "telemetry",
        "training",
        "runtimes",
    },
    "edge": {
        *("validation", "workspace", "formulas", "ledger", "costs"),
        *("training", "runtimes", "compression"),
    },
    "updates": {
        *("validation", "workspace", "formulas", "costs"),
        *("training", "runtimes", "compression"),
    },
    "serving": {"validation", "workspace", "formulas", "ledger", "training", "runtimes", "edge"},
    "monitoring": {"validation", "workspace", "formulas", "serving"},
    "privacy": {"validation", "workspace", "formulas", "training"},
    "deployment_files": {"validation", "workspace", "serving", "monitoring"},
    "plots": set(),
    "widgets": {"validation", "formulas", "costs", "updates", "plots"},
    "exercises": {"validation", "workspace", "formulas"},
    "jupyter": {
        *("validation", "workspace", "telemetry", "plots"),
        *("training", "runtimes", "serving", "exercises"),
    },
    "execution": {"validation", "workspace", "jupyter"},
    "teaching": {
        *("validation", "workspace", "ledger", "costs"),
        *("exercises", "jupyter", "execution"),
    },
    "commands": None,  # everything
    "cli": None,
    "__main__": {"cli"},
}

# Where these may be imported; a prefix of the file's path within the package.
CONFINED = {
    "tensorflow": ("training/quiet_tensorflow.py",),
    "tf_keras": ("training/keras2.py",),
    "tensorflow_model_optimization": ("compression/",),
    "onnx": (
        *("training/onnx_file.py", "runtimes/decoder_graph.py"),
        *("runtimes/onnx_cache.py", "runtimes/onnx_names.py", "runtimes/onnx_nodes.py"),
    ),
    "tf2onnx": ("training/onnx_file.py",),
    # Where telemetry.forbid() comes before them.
    "onnxruntime": ("runtimes/onnx.py", "compression/onnx_quantization.py"),
    "openvino": ("runtimes/openvino.py",),
    # Keras files are read here only: never by load_model, which runs what they hold.
    "h5py": ("training/saved.py",),
    "pickle": ("serving/load/process.py", "serving/load/sender.py"),
    "matplotlib": ("plots/", "widgets/"),
    "ipywidgets": ("widgets/", "exercises/guessing.py"),
    "cryptography": ("serving/security/", "serving/signing/", "serving/embedded/loading.py"),
    "dask": ("compression/workers.py",),
    "distributed": ("compression/workers.py", "compression/sweep.py"),
    "grpc": ("serving/",),
    "tensorflow_serving": ("serving/",),
    "starlette": ("serving/embedded/",),
    "uvicorn": ("serving/embedded/",),
}

# The parts of a part, each of which imports only from those before it.
ORDER = {
    "costs": ("prices", "capacity", "estimation", "advice", "plan", "tokens"),
    "serving": (
        *("api", "security", "signing", "embedded", "client", "repository", "launcher"),
        *("load", "release"),
        "probing",
    ),
}


@dataclass(frozen=True)
class Import:
    """One imported module, and whether only a type checker sees the import."""

    module: str
    for_types: bool


@cache
def sources():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(path):
    """All imports of a file, those within functions too."""
    found = set()

    def visit(node, for_types):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for child in node.body:
                visit(child, True)
            for child in node.orelse:
                visit(child, for_types)
            return
        if isinstance(node, ast.Import):
            found.update(Import(alias.name, for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                module = inner if inner in MODULES else node.module
                found.add(Import(module, for_types))
        for child in ast.iter_child_nodes(node):
            visit(child, for_types)

    visit(ast.parse(path.read_text()), False)
    return found


MODULES = {name_of(path) for path in sources()}
FACES = {name_of(path) for path in PACKAGE.rglob("__init__.pyi")}


def part_of(module):
    return module.split(".")[1] if "." in module else "__init__"


def test_modules_import_only_what_their_layer_may():
    wrong = [
        f"{name_of(path)} imports {item.module}"
        for path in sources()
        for item in imports_of(path)
        if item.module.split(".")[0] == "deployworkbook"
        # Plots may know the types of the results that they draw.
        and not item.for_types
        and not is_allowed(part_of(name_of(path)), part_of(item.module))
    ]
    assert not wrong


def is_allowed(own, other):
    allowed = ALLOWED[own]
    return other in {own, "__init__"} or allowed is None or other in allowed


def test_each_part_has_a_rule_and_each_rule_a_part():
    assert {part_of(module) for module in MODULES} == set(ALLOWED)


def test_the_package_itself_imports_from_modules_not_from_faces():
    """A face loads its names late, so an import through it would hide a circle."""
    wrong = [
        f"{name_of(path)} imports {item.module}"
        for path in sources()
        for item in imports_of(path)
        if item.module in FACES
    ]
    assert not wrong


@pytest.mark.parametrize("part", ORDER)
def test_parts_of_a_part_import_only_from_those_before(part):
    order = ORDER[part]
    folders = {path.parent.name for path in (PACKAGE / part).glob("*/__init__.py")}
    assert folders == set(order)
    for path in sorted((PACKAGE / part).glob("*/*.py")):
        for item in imports_of(path):
            names = item.module.split(".")
            if names[:2] == ["deployworkbook", part] and set(names[2:3]) & set(order):
                assert order.index(names[2]) <= order.index(path.parent.name), (
                    f"{path.parent.name}/{path.name} imports {item.module}"
                )


def test_imports_go_in_no_circle():
    graph = {
        name_of(path): {
            item.module
            for item in imports_of(path)
            if item.module in MODULES and not item.for_types
        }
        for path in sources()
    }
    assert set(TopologicalSorter(graph).static_order()) == MODULES


@pytest.mark.parametrize("library", CONFINED)
def test_a_heavy_library_stays_where_it_belongs(library):
    for path in sources():
        place = path.relative_to(PACKAGE).as_posix()
        if any(item.module.split(".")[0] == library for item in imports_of(path)):
            assert place.startswith(CONFINED[library]), f"{place} imports {library}"


def test_only_the_embedded_server_takes_tensorflow_into_serving():
    """No client needs all of TensorFlow, and flags are read before it loads.

    Signatures of LiteRT files are read without it.
    """
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in sources()
        if part_of(name_of(path)) == "serving"
        and any(
            item.module.startswith("deployworkbook.training")
            and not item.module.startswith("deployworkbook.training.litert_signature")
            for item in imports_of(path)
        )
    }
    assert users == {"serving/embedded/protos.py"}


def test_all_that_the_package_imports_is_declared():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    # A class's hub is an extra: nothing but its own modules may need it.
    lines = {"": project["dependencies"], **project["optional-dependencies"]}
    names_of = {
        extra: {canonicalize_name(Requirement(line).name) for line in lines[extra]}
        for extra in ("", "hub")
    }
    distributions = packages_distributions()
    for path in sources():
        for item in imports_of(path):
            top = item.module.split(".")[0]
            if top in sys.stdlib_module_names or top in {"deployworkbook", "__future__"}:
                continue
            names = {canonicalize_name(name) for name in distributions.get(top, [top])}
            declared = names_of[""] | (names_of["hub"] if of_the_hub(path) else set())
            assert names & declared, f"{path.name} imports {top}, which pyproject.toml lacks"


def of_the_hub(path):
    """Return whether a module runs only where the extra ``hub`` is installed."""
    return path.relative_to(PACKAGE).as_posix() in {
        "jupyter/seat.py",
        "teaching/hub/authenticator.py",
        "teaching/hub/spawner.py",
    }
