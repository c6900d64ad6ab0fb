"""What every explorer promises, tested without a browser."""

import ast
import asyncio
import base64
import io
import re
from pathlib import Path

import ipywidgets
import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

import deployworkbook.widgets
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.plots.fit import MeasuredForm
from deployworkbook.plots.panels import SMALLEST_TEXT_PT
from deployworkbook.plots.picture import Picture
from deployworkbook.plots.platforms import PlatformFigures
from deployworkbook.plots.view import View
from deployworkbook.widgets import explorer as subject
from deployworkbook.widgets.advice import advice_explorer
from deployworkbook.widgets.alarm import alarm_explorer
from deployworkbook.widgets.batching import batching_explorer
from deployworkbook.widgets.battery import battery_explorer
from deployworkbook.widgets.block_quantization import block_explorer
from deployworkbook.widgets.cache_memory import cache_explorer
from deployworkbook.widgets.cloud_or_edge import cloud_or_edge_explorer
from deployworkbook.widgets.controls import Choice, LogSlider, Slider, Stops
from deployworkbook.widgets.cost import cost_explorer
from deployworkbook.widgets.descent import descent_explorer
from deployworkbook.widgets.drift import drift_explorer
from deployworkbook.widgets.error_budget import budget_explorer
from deployworkbook.widgets.explorer import Explorer
from deployworkbook.widgets.extraction import extraction_explorer
from deployworkbook.widgets.fit import fit_explorer
from deployworkbook.widgets.importance import importance_explorer
from deployworkbook.widgets.learning_rate_sweep import learning_rate_sweep_explorer
from deployworkbook.widgets.losses import loss_explorer
from deployworkbook.widgets.over_the_air import update_explorer
from deployworkbook.widgets.overhead import overhead_explorer
from deployworkbook.widgets.parabola import parabola_explorer
from deployworkbook.widgets.platform_choice import platform_choice_explorer
from deployworkbook.widgets.price_stress import stress_explorer
from deployworkbook.widgets.privacy import privacy_explorer
from deployworkbook.widgets.quantizer import quantizer_explorer
from deployworkbook.widgets.replicas import replicas_explorer
from deployworkbook.widgets.retraining import retraining_explorer
from deployworkbook.widgets.storage_choice import storage_explorer
from deployworkbook.widgets.temperature import temperature_explorer
from deployworkbook.widgets.token_cost import token_cost_explorer
from deployworkbook.widgets.token_roofline import roofline_explorer
from tests.controls import ends_of, made_once
from tests.widgets.attack_examples import COPIES, CURVES, TRAININGS
from tests.widgets.update_examples import COMPARISON

pytestmark = pytest.mark.usefixtures("drawn")

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(0, 0.06, (784, 40))
IMAGES = RANDOM.random((6, 28, 28))
LOGITS = RANDOM.normal(0, 3, (6, 10))
WORK = Workload(100.0)
CLOUD = Deployment(Profile("float32", "numpy", 0.02, 0.1, 0.98, 407_080, 380_000, 100e6))


def small_quantizer_explorer():
    return quantizer_explorer(WEIGHTS[:, :2])


def small_block_explorer():
    return block_explorer(WEIGHTS[:64, :4])


def small_importance_explorer():
    return importance_explorer(WEIGHTS, {"magnitude": abs(WEIGHTS), "square": WEIGHTS**2}, IMAGES)


def small_temperature_explorer():
    return temperature_explorer(LOGITS, IMAGES, np.arange(6))


def small_overhead_explorer():
    return overhead_explorer({"a": {1: 0.02, 9: 0.03}, "b": {1: 1e-5, 9: 5e-5}})


def small_platform_choice_explorer():
    batches = {1: 0.001, 9: 0.005}
    return platform_choice_explorer(
        [PlatformFigures(name, 1.0, 2.0, 10**6, 10**8, 0.5, 1, batches) for name in "ab"]
    )


def example_cost_explorer():
    return cost_explorer(WORK, CLOUD)


def example_cloud_or_edge_explorer():
    return cloud_or_edge_explorer(WORK, CLOUD)


def example_stress_explorer():
    return stress_explorer(WORK, CLOUD)


def example_advice_explorer():
    exact = Profile("teacher", "litert", 0.2, 0.1, 0.99, 800_000, 700_000, 300e6)
    return advice_explorer([CLOUD.profile, exact], WORK)


def small_drift_explorer():
    model = [RANDOM.normal(0, 0.06, (784, 12)), np.zeros(12), RANDOM.normal(size=(12, 10))]
    images, labels = RANDOM.random((400, 28, 28)), np.arange(400) % 10
    return drift_explorer([*model, np.zeros(10)], (images, labels), (images, labels))


def small_alarm_explorer():
    return alarm_explorer(RANDOM.normal(size=500), {"rotated": RANDOM.normal(1, 1, 500)})


def small_fit_explorer():
    model = [RANDOM.normal(size=(784, 12)), np.zeros(12), RANDOM.normal(size=(12, 10))]
    images, labels = RANDOM.random((20, 28, 28)), np.arange(20) % 10
    form = MeasuredForm(bits=8, sparsity=0.0, hidden=128, accuracy=0.98)
    return fit_explorer([form], model=([*model, np.zeros(10)], images, labels))


def example_privacy_explorer():
    return privacy_explorer(TRAININGS, attacks=CURVES)


def example_retraining_explorer():
    return retraining_explorer(COMPARISON)


def example_extraction_explorer():
    return extraction_explorer(COPIES)


EXPLORERS = [
    made_once(make)
    for make in (
        loss_explorer,
        parabola_explorer,
        descent_explorer,
        learning_rate_sweep_explorer,
        small_quantizer_explorer,
        small_importance_explorer,
        small_temperature_explorer,
        small_overhead_explorer,
        small_platform_choice_explorer,
        batching_explorer,
        replicas_explorer,
        example_cost_explorer,
        example_cloud_or_edge_explorer,
        storage_explorer,
        example_stress_explorer,
        example_advice_explorer,
        small_drift_explorer,
        small_alarm_explorer,
        budget_explorer,
        small_fit_explorer,
        battery_explorer,
        update_explorer,
        small_block_explorer,
        cache_explorer,
        roofline_explorer,
        token_cost_explorer,
        example_privacy_explorer,
        example_extraction_explorer,
        example_retraining_explorer,
    )
]

LIVE = "application/vnd.jupyter.widget-view+json"


class NumberView(View):
    """A bar as high as a number."""

    def __init__(self):
        super().__init__(Picture(2, 1))
        self.axes = self.picture.subplots()
        self.axes.set_ylim(0, 10)
        (self.bar,) = self.axes.bar([0], [0])
        self.moving = [self.bar]

    def update(self, result):
        self.bar.set_height(result)
        return False

    def describe(self, result):
        return f"The number is {result}."

    def table(self, result):
        return [("number", f"{result} <units>")]


def small(compute=lambda number, word: number, view=None):
    controls = [
        Slider("number", "number", 0, 10, 1, 3, unit="units"),
        Choice("word", "word", ("a", "b"), "a"),
    ]
    return Explorer(controls, compute, view or NumberView())


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def picture_of(explorer):
    data, _ = DisplayFormatter().format(explorer)
    return pixels(base64.b64decode(data["image/png"]))


def test_one_bundle_has_all_formats_of_a_result():
    data, _ = DisplayFormatter().format(small())
    assert set(data) >= {LIVE, "text/html", "image/png", "text/plain"}
    assert 'alt="The number is 3."' in data["text/html"]
    assert "3 &lt;units&gt;" in data["text/html"]
    assert data["text/plain"] == "The number is 3.\nnumber: 3 <units>"
    assert data["image/png"] in data["text/html"]


def test_set_moves_controls_and_returns_the_new_result():
    explorer = small()
    before = picture_of(explorer)
    assert explorer.set(number=7) == 7
    assert explorer.values == {"number": 7, "word": "a"}
    assert "is 7" in explorer._shown.value
    assert not np.array_equal(before, picture_of(explorer))
    assert explorer.reset() == 3
    np.testing.assert_array_equal(before, picture_of(explorer))


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"size": 1}, ValueError, "one of number, word"),
        ({"number": 11}, ValueError, "number"),
        ({"number": 2.5}, ValueError, "whole"),
        ({"number": "7"}, TypeError, "number"),
        ({"word": "c"}, ValueError, "'a', 'b'"),
    ],
)
def test_a_wrong_value_is_refused_and_changes_nothing(values, error, words):
    explorer = small()
    with pytest.raises(error, match=words):
        explorer.set(**({"number": 5} | values))
    assert explorer.values == {"number": 3, "word": "a"}


def test_a_control_without_effect_is_disabled_until_it_has_one():
    controls = [Slider("number", "number", 0, 10, 1, 3), Choice("word", "word", ("a", "b"), "a")]
    explorer = Explorer(
        controls,
        lambda number, word: number,
        NumberView(),
        applies=lambda number, word: {"word"} if word == "b" else {"word", "number"},
    )
    for word, disabled in (("a", False), ("b", True), ("a", False)):
        explorer.set(word=word)
        assert explorer._widgets["number"].disabled == disabled
        assert not explorer._widgets["word"].disabled


def test_two_controls_with_the_same_name_are_refused():
    control = Choice("word", "word", ("a",), "a")
    with pytest.raises(ValueError, match="different names"):
        Explorer([control, control], lambda word: 1, NumberView())


def test_an_error_is_raised_and_shown():
    def fail(number, word):
        if number == 5:
            raise RuntimeError("no <five>")
        return number

    explorer = small(fail)
    with pytest.raises(RuntimeError):
        explorer.set(number=5)
    assert 'role="alert"' in explorer._shown.value
    assert "no &lt;five&gt;" in explorer._shown.value
    explorer._widgets["number"].value = 4
    with pytest.raises(RuntimeError):
        explorer._widgets["number"].value = 5
    assert explorer.set(number=6) == 6
    assert "alert" not in explorer._shown.value


def test_only_the_first_and_the_last_change_of_a_burst_are_drawn(monkeypatch):
    seen = []
    explorer = small(lambda number, word: seen.append(number) or number)
    seen.clear()
    monkeypatch.setattr(explorer, "_drawn_at", -1e9)

    async def drag():
        for value in (4, 5, 6, 7, 8, 9):
            explorer._widgets["number"].value = value
        await asyncio.sleep(10 * subject.GATHER_S)

    asyncio.run(drag())
    assert seen == [4, 9]
    assert explorer.result == 9
    assert "is 9" in explorer._shown.value


def test_without_a_loop_every_change_is_drawn_at_once():
    explorer = small()
    for value in (4, 5, 6):
        explorer._widgets["number"].value = value
        assert explorer.result == value


# Their figures are amounts of money, machines and requests; others have powers of ten.
OF_AMOUNTS = {
    "example_cost_explorer",
    "example_cloud_or_edge_explorer",
    "example_stress_explorer",
    "replicas_explorer",
    "storage_explorer",
}
# Powers of ten, NaN and the like, negative zeros, and plurals after 1.
UNREADABLE = re.compile(
    r"e[+-]\d\d|\b(?:nan|inf|None)\b|-0(?:\.0+)?%?(?![\d.])"
    r"|(?<![\d.,])1 (?:boards|replicas|requests|reads|kinds)\b"
)


def still_of(view):
    """What stands still in a picture: the axes' limits, and texts that are not drawn as moving."""
    limits = [[*axes.get_xlim(), *axes.get_ylim()] for axes in view.picture.axes]
    titles = [each for axes in view.picture.axes for each in (axes.title, axes._left_title)]
    others = [*view.picture.texts, *(each for axes in view.picture.axes for each in axes.texts)]
    return limits, [each.get_text() for each in (*titles, *others) if each not in view.moving]


@pytest.mark.parametrize("make", EXPLORERS)
def test_controls_moved_to_their_ends_show_what_can_be_read(make):
    explorer = make()
    view, initial = explorer._view, explorer.values
    ends = {name: ends_of(control) for name, control in explorer.controls.items()}
    rows = len(view.table(explorer.result))
    background, still = view._still, still_of(view)
    alone = [{name: end} for name, both in ends.items() for end in both]
    together = [{name: both[end] for name, both in ends.items()} for end in (0, -1)]
    for moved in (*alone, *together):
        explorer.set(**initial | moved)
        assert explorer.values == initial | moved
        table = view.table(explorer.result)
        if len(moved) == 1:
            # What stands below a table must not jump while a control moves.
            assert len(table) == rows
        assert all(all(row) for row in table)
        assert len(view.picture.alt) > 40
        shown = [text.get_text() for text in view.picture.findobj(mpl.text.Text)]
        said = "\n".join([view.picture.alt, *map(": ".join, table), *shown])
        if make.__name__ in OF_AMOUNTS:
            assert not UNREADABLE.search(said), (moved, said)
        if view._still is background:
            assert still_of(view) == still, "what stands still moved, and was not drawn again"
        background, still = view._still, still_of(view)
    blitted = pixels(view.png())
    for artist in view.moving:
        artist.set_animated(False)
    view.picture.canvas.draw()
    whole = np.array(view.picture.canvas.buffer_rgba())[..., :3]
    for artist in view.moving:
        artist.set_animated(True)
    # Over the frame's lines the order of drawing differs: a few pixels in a thousand.
    assert (np.abs(blitted.astype(int) - whole) > 60).any(axis=-1).mean() < 0.01


@pytest.mark.parametrize("make", EXPLORERS)
def test_texts_are_large_enough_and_controls_are_labelled(make):
    explorer = make()
    for text in explorer._view.picture.findobj(mpl.text.Text):
        if text.get_text():
            assert text.get_fontsize() >= SMALLEST_TEXT_PT, text.get_text()
    for control in explorer.controls.values():
        assert control.label
        assert control.label in explorer._widgets[control.name].description


@pytest.mark.parametrize(
    ("control", "readout"),
    [
        (Slider("x", "x", 0.0, 1.0, 0.05, 0.5), "0.50"),
        (Slider("x", "x", 0.0, 50.0, 0.5, 5.0), "5.0"),
        (Slider("x", "x", 96.0, 100.0, 0.05, 97.123), "97.123"),
        (Slider("x", "x", -100, 100, 5, -40), "\N{MINUS SIGN}40"),
        (Slider("x", "x", 10, 400, 10, 105), "105"),
        (LogSlider("x", "x", 0.1, 1e5, 20, 2000.0), "2,000"),
        (LogSlider("x", "x", 0.1, 1e5, 20, 2013.7), "2,013.7"),
        (LogSlider("x", "x", 20.0, 10_000.0, 20, 300.0), "300"),
        (LogSlider("x", "x", 0.01, 30, 10, 5.0), "5.0"),
        (LogSlider("x", "x", 1e-4, 10.0, 20, 0.0123), "0.0123"),
        (Stops("x", "x", (1, 1_000_000), 1_000_000), "1,000,000"),
    ],
)
def test_a_slider_starts_at_its_value_without_an_exponent(control, readout):
    widget = control.widget()
    assert (widget.value, widget.label) == (control.value, readout)
    assert [widget.options[place][1] for place in (0, -1)] == list(ends_of(control))


def test_a_whole_number_can_be_typed():
    widget = Slider("x", "x", 1, 64, 1, 5).widget()
    assert isinstance(widget, ipywidgets.IntSlider)
    assert (widget.value, widget.min, widget.max, widget.step) == (5, 1, 64, 1)


@pytest.mark.parametrize(
    "control",
    [
        LogSlider("number", "number", 0.1, 1e5, 20, 201.37),
        Slider("number", "number", 0.0, 500.0, 0.5, 33.3),
        Slider("number", "number", 0, 500, 10, 7),
    ],
)
def test_a_value_between_two_steps_becomes_a_step_in_its_place(control):
    explorer = Explorer([control], lambda number: number, NumberView())
    widget = explorer._widgets["number"]
    count = len(widget.options)
    for value in (123, 77, 432) if isinstance(control.value, int) else (123.4, 77.7, 432.1):
        assert explorer.set(number=value) == value
        values = [each for _, each in widget.options]
        assert values == sorted(values)
        assert value in values
        # The last value's step is gone, and the start's is there to come back to.
        assert len(values) == count + 1
    assert explorer.reset() == control.value
    assert explorer.set(number=control.high) == control.high


def test_a_new_step_and_the_move_to_it_are_one_message(monkeypatch):
    explorer = Explorer(
        [LogSlider("number", "number", 1, 1000, 20, 10)], lambda number: number, NumberView()
    )
    widget, sent = explorer._widgets["number"], []
    monkeypatch.setattr(widget, "send_state", lambda key=None: sent.append(set(key)))
    explorer.set(number=123.4)
    assert [keys >= {"index", "_options_labels"} for keys in sent] == [True]


def test_a_slider_of_stops_takes_no_other_values():
    stops = Stops("size", "size", (1, 4, 442), 4, unit="rows")
    assert ends_of(stops) == (1, 442)
    assert stops.widget().description == "size (rows)"
    assert stops.check(442) == 442
    with pytest.raises(ValueError, match="1, 4, 442"):
        stops.check(5)


def test_no_widget_hides_errors():
    for path in Path(deployworkbook.widgets.__file__).parent.glob("*.py"):
        names = {
            getattr(node, "id", getattr(node, "attr", None))
            for node in ast.walk(ast.parse(path.read_text()))
        }
        assert not names & {"interact", "interactive", "interactive_output", "Output"}
