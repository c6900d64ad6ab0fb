"""Static forms of widgets, for pages without a kernel."""

import ipywidgets
from nbformat.v4 import new_code_cell, new_notebook, new_output

from deployworkbook.execution.static_widgets import STATE, VIEW, add_static_forms


def executed(widget, **beside):
    """A notebook that shows a widget, with its state as Jupyter stores it."""
    view = {"model_id": widget.model_id, "version_major": 2, "version_minor": 0}
    output = new_output("display_data", {VIEW: view, "text/plain": repr(widget)} | beside)
    notebook = new_notebook(cells=[new_code_cell("widget", outputs=[output])])
    state = ipywidgets.Widget.get_manager_state()["state"]
    notebook.metadata["widgets"] = {STATE: {"state": state}}
    return notebook


def shown(widget, **beside):
    notebook = executed(widget, **beside)
    add_static_forms(notebook)
    assert "widgets" not in notebook.metadata
    data = notebook.cells[0].outputs[0].data
    assert VIEW not in data
    return data


def test_a_progress_bar_keeps_its_last_value():
    bar = ipywidgets.HBox(
        [
            ipywidgets.HTML("epoch 2/5"),
            ipywidgets.FloatProgress(value=40, min=0, max=100),
            ipywidgets.HTML("40/100, loss &lt; 1"),
        ]
    )
    data = shown(bar)
    assert '<progress max="100" value="40"></progress>' in data["text/html"]
    assert data["text/plain"] == "epoch 2/5 40/100, loss < 1"


def test_a_progress_bar_is_measured_from_its_minimum():
    html = shown(ipywidgets.IntProgress(value=40, min=30, max=50))["text/html"]
    assert '<progress max="20" value="10"></progress>' in html


def test_a_control_shows_its_label_and_value():
    assert shown(ipywidgets.IntSlider(7, description="bits"))["text/plain"] == "bits 7"
    choice = ipywidgets.Dropdown(options=["a", "<b>"], value="<b>", description="rule")
    assert shown(choice)["text/plain"] == "rule <b>"


def test_an_existing_static_form_is_kept():
    html = '<img alt="a" src="data:,">'
    data = shown(ipywidgets.IntSlider(7), **{"text/html": html})
    assert data["text/html"] == html


def test_a_view_without_state_leaves_its_text():
    notebook = executed(ipywidgets.IntSlider(7))
    del notebook.metadata["widgets"]
    add_static_forms(notebook)
    data = notebook.cells[0].outputs[0].data
    assert set(data) == {"text/plain"}


def test_a_notebook_without_widgets_is_unchanged():
    notebook = new_notebook(cells=[new_code_cell("1")])
    before = str(notebook)
    add_static_forms(notebook)
    assert str(notebook) == before
