"""Write a page that reads a drawn digit by itself: the model's C code as WebAssembly, no server."""

from __future__ import annotations

import base64
import html
import json
import math
from pathlib import Path

from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.digit_page.composing import compose_page, policy_of
from deployworkbook.edge.project import CProject
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import write_atomically

HERE = Path(__file__).parent
FUNCTIONS = ("page_image", "page_scores")
LEAD = (
    "The model {name} is in this page: its C code, as {size:,} bytes of WebAssembly. It answers "
    "without a server, and nothing that you draw leaves your browser."
)


def export_page(project: CProject, path: Path) -> Path:
    """Write a page on which people draw a digit, and the model in it answers.

    The page is one file, which works offline: the model's C code is in it as WebAssembly. Its
    policy forbids it to load or send anything.

    Args:
        project: What ``export_c`` wrote; its model takes square images.
        path: File to write, such as ``digits.html``; it is replaced.

    Returns:
        The path.

    Raises:
        UnavailableError: There is no compiler for WebAssembly.
        ValueError: The model takes no square images.
    """
    side = math.isqrt(project.pixels)
    if side * side != project.pixels:
        received = f"a model of {project.pixels} inputs"
        raise value_error("project", received=received, expected="one that takes square images")
    build = compile_c(project, "wasm32", sources=[HERE / "page.c"], functions=FUNCTIONS)
    module = build.path.read_bytes()
    model = {
        "wasm": base64.b64encode(module).decode(),
        "side": side,
        "classes": project.classes,
        "isFloat": project.score_type == "float",
        "step": project.score_step,
    }
    script = (HERE / "page.js").read_text("utf-8").replace("/*model*/", json.dumps(model))
    lead = LEAD.format(name=html.escape(project.variant), size=len(module))
    policy = policy_of(compose_page(lead=lead, script=script), "'wasm-unsafe-eval'")
    head = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n'
    write_atomically(path, compose_page(lead=lead, script=script, head=head))
    return Path(path)
