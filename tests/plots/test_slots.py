"""The picture of slots over time."""

from deployworkbook.formulas.token_batching import LinearStep, serve_continuous, serve_static
from deployworkbook.formulas.token_requests import TokenRequests
from deployworkbook.plots.slots import slots_picture

REQUESTS = TokenRequests([0, 0, 0], [5, 5, 5], [3, 9, 3])
STEP = LinearStep(1.0, 0, 0, 0)


def bars(axes, label):
    (found,) = [each for each in axes.containers if each.get_label() == label]
    return [
        (bar.get_x(), bar.get_width(), round(bar.get_y() + bar.get_height() / 2)) for bar in found
    ]


def test_bars_show_who_has_which_slot():
    served = {
        "static": serve_static(REQUESTS, STEP, slots=2),
        "continuous": serve_continuous(REQUESTS, STEP, slots=2),
    }
    picture = slots_picture(served, until_s=12.0)
    static, continuous = picture.axes
    # Start, width and slot.
    assert bars(static, "reads the prompt") == [(0, 1, 0), (0, 1, 1), (9, 1, 0)]
    assert bars(static, "writes the answer") == [(1, 2, 0), (1, 8, 1)]
    assert bars(static, "writes the next one") == [(10, 2, 0)]
    assert bars(static, "waits for its batch") == [(3, 6, 0), (9, 0, 1), (12, 0, 0)]
    assert bars(continuous, "writes the next one") == [(4, 2, 0)]
    assert sum(width for _, width, _ in bars(continuous, "waits for its batch")) == 0
    assert static.get_xlim() == (0, 12)
    # Slot 0 comes first, as in a timetable.
    assert static.get_ylim()[0] > static.get_ylim()[1]


def test_the_description_says_rates_and_times():
    picture = slots_picture({"static": serve_static(REQUESTS, STEP, slots=2)}, note="measured")
    # 15 tokens in 12 s; 3 + 9 + 3 busy seconds of 24.
    for words in ("static: 1 tokens per second", "62% of the time", "1e+03 ms", "(measured)"):
        assert words in picture.alt
    assert picture.png().startswith(b"\x89PNG")
