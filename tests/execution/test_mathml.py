"""Conversion of formulas to MathML."""

import xml.etree.ElementTree as ElementTree
from html import unescape

import pytest

from deployworkbook.execution.mathml import mathml


def tags(latex):
    tree = ElementTree.fromstring(mathml(latex, display=True))
    return [element.tag.rpartition("}")[2] for element in tree.iter()]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\frac{1}{n} \sum_{i=1}^{n} x_i", {"mfrac", "munderover", "msub"}),
        (r"\hat{p} \pm \sqrt{x}", {"mover", "msqrt"}),
        (r"\begin{cases} 1 & a \\ 0 & b \end{cases}", {"mtable", "mtr", "mtd"}),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", {"mtable", "mtr", "mtd"}),
        (r"\begin{align} a &= b \end{align}", {"mtable"}),
        (r"\left\lfloor \frac{x}{s} \right\rceil", {"mo", "mfrac"}),
        (r"\text{if } k", {"mtext"}),
        (r"\mathbb{E}_{x \sim P(x)} [x]", {"msub"}),
    ],
)
def test_a_formula_has_the_expected_elements(latex, expected):
    assert expected <= set(tags(latex))


def test_display_and_inline_formulas_differ():
    assert 'display="block"' in mathml("x", display=True)
    assert 'display="inline"' in mathml("x", display=False)


@pytest.mark.parametrize("latex", [r"\arg\max_k p_k", r"\arg \min_w L", r"\operatorname{clip}(x)"])
def test_operators_are_set_as_words(latex):
    text = unescape("".join(ElementTree.fromstring(mathml(latex, display=False)).itertext()))
    assert "\\" not in text


@pytest.mark.parametrize(
    "latex", [r"\nosuchcommand x", r"a_{", r"a & b", r"\begin{cases} 1", r"x_1_2"]
)
def test_the_error_for_an_invalid_formula_quotes_it(latex):
    with pytest.raises(ValueError, match="MathML") as caught:
        mathml(latex, display=False)
    assert repr(latex) in str(caught.value)


@pytest.mark.parametrize(
    ("latex", "spaces"),
    [
        (r"y_k \log p_k", 2),
        (r"-\log \pi_y", 1),
        (r"(1 - s) \log_2 (1 - s)", 1),
        (r"\ln(a / b)", 0),
        (r"\log \left(a\right)", 0),
    ],
)
def test_a_logarithm_keeps_its_distance(latex, spaces):
    assert mathml(latex, display=False).count("<mspace") == spaces
