"""A picture shows itself in a notebook with its alternative text."""

import base64
import io

import matplotlib.image
from IPython.core.formatters import DisplayFormatter
from matplotlib import rc_context

from deployworkbook.plots.picture import DOTS_PER_INCH, STYLE, Picture, styled


def test_a_notebook_gets_html_png_and_alternative_text():
    picture = Picture(3, 2, alt='Loss "falls" & ends <0.1')
    picture.subplots().plot([2.3, 0.05])

    data, _ = DisplayFormatter().format(picture)

    assert 'alt="Loss &quot;falls&quot; &amp; ends &lt;0.1"' in data["text/html"]
    assert data["text/plain"] == 'Loss "falls" & ends <0.1'
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(data["image/png"])))
    assert pixels.shape[:2] == (2 * DOTS_PER_INCH, 3 * DOTS_PER_INCH)
    assert data["image/png"] in data["text/html"]


def test_no_picture_stays_open_in_pyplot():
    from matplotlib import pyplot

    Picture(3, 2)
    assert pyplot.get_fignums() == []


def test_a_title_stands_where_matplotlib_itself_would_put_it():
    def place():
        picture = Picture(3, 2)
        axes = picture.subplots()
        axes.set_title("Gg, in\ntwo lines")
        picture.canvas.draw()
        return axes.title.get_window_extent().bounds

    with rc_context(STYLE | {"axes.titley": None}):
        expected = place()
    assert styled(place)() == expected
