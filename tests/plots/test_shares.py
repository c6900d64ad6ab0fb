"""Curves of measured shares with intervals, and those of attacks on logarithmic axes."""

from deployworkbook.formulas.membership import roc_curve
from deployworkbook.formulas.shares import Share
from deployworkbook.plots import roc_picture, share_curves


def test_shares_are_lines_and_their_intervals_are_bands():
    shares = [Share(90, 100), Share(50, 100)]
    picture = share_curves({"int8": ([10, 100], shares)}, along="queries", log=True)
    (axes,) = picture.axes
    assert axes.lines[0].get_ydata().tolist() == [0.9, 0.5]
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (shares[1].interval[0], shares[0].interval[1])
    assert axes.get_xscale() == "log"
    assert "int8 from 90.0% at 10 to 50.0% at 100" in picture.alt


def test_attack_is_drawn_beside_guessing_and_said_at_one_percent():
    curve = roc_curve([3.0, 2.5, 1.0, 0.5], [2.0, 0.0])
    picture = roc_picture({"LiRA": curve})
    guessing, attack = picture.axes[0].lines
    assert list(guessing.get_xdata()) == list(guessing.get_ydata())
    assert attack.get_ydata().tolist() == curve.true_positive_rate.tolist()
    assert "LiRA finds 50.0% of the members at 1% false positives" in picture.alt
