"""Replace widgets by static HTML and text of their last state, for a page without a kernel.

A live widget is a reference to a state that only a widget manager can draw, and managers are loaded
from the network. Outputs that already include a static form keep it; for others, such as progress
bars, one is made here from the state stored in the notebook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Any

from nbformat import NotebookNode

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
STATIC = ("text/html", "image/png", "image/svg+xml", "image/jpeg")

States = Mapping[str, Mapping[str, Any]]


def add_static_forms(notebook: NotebookNode) -> None:
    """Replace all widgets of a notebook by static forms, in place.

    Args:
        notebook: An executed notebook, with the widgets' state in its metadata as stored by Jupyter
            and papermill. The live views and the state are removed.
    """
    stored = notebook.metadata.pop("widgets", {})
    states: States = stored.get(STATE, {}).get("state", {})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            view = data.pop(VIEW, None)
            if view is None or any(kind in data for kind in STATIC):
                continue
            html = _html(view.get("model_id", ""), states)
            if html:
                data["text/html"] = f'<div class="widget">{html}</div>'
                data["text/plain"] = _text_of(html)


def _html(model: str, states: States) -> str:
    """Return a widget's state as HTML; empty if there is nothing to show."""
    if model not in states:
        return ""
    known = states[model]
    state = known.get("state", {})
    children = state.get("children")
    if children:
        parts = [_html(child.removeprefix("IPY_MODEL_"), states) for child in children]
        return " ".join(filter(None, parts))
    kind = str(known.get("model_name", "")).removesuffix("Model")
    if kind in {"HTML", "HTMLMath"}:
        return _labelled(state, str(state.get("value", "")))
    if kind in {"FloatProgress", "IntProgress"}:
        low, high = float(state.get("min", 0)), float(state.get("max", 100))
        done = float(state.get("value", low)) - low
        return f'<progress max="{high - low:g}" value="{done:g}"></progress>'
    if kind in {"Dropdown", "RadioButtons", "SelectionSlider", "ToggleButtons", "Select"}:
        options, index = state.get("_options_labels", []), state.get("index")
        return _labelled(state, escape(str(options[index])) if index is not None else "")
    if kind == "Button":
        return ""  # nothing happens without a kernel
    return _labelled(state, escape(str(state["value"]))) if "value" in state else ""


def _labelled(state: Mapping[str, Any], value: str) -> str:
    label = escape(str(state.get("description") or ""))
    return f"{label} {value}".strip()


def _text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
