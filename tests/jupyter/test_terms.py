"""The terms: complete in both languages, in order, looked up, and on a page of their own."""

import re

import pytest
from bs4 import BeautifulSoup

from deployworkbook.execution.page import write_terms_page
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.terms import (
    TERMS_PAGE,
    Term,
    install_terms,
    load_terms,
    look_up,
    terms_as_markdown,
)
from deployworkbook.workspace.folder import Workspace

TERMS = load_terms()
CJK = r"[\u4e00-\u9fff]"
# Latin letters and digits keep a space between them and Chinese characters, as publishers set them.
CROWDED = re.compile(f"{CJK}[A-Za-z0-9]|[A-Za-z0-9]{CJK}")
# Chinese sentences have full-width punctuation, but digits and Latin letters of the usual width.
HALF_WIDTH = re.compile(f"{CJK} ?[,.;:?!()]|[,;:?!()] ?{CJK}")
FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u3000]")
SPACED = re.compile("[，。；：？！（）、] | [，。；：？！（）、]")


def test_each_meaning_is_one_short_line():
    for term in TERMS:
        assert "\n" not in term.meaning, term.name
        assert len(term.meaning) <= 140, term.name
        assert term.meaning.endswith("."), term.name


def test_each_is_explained_in_chinese_too():
    for term in TERMS:
        assert bool(re.search(CJK, term.chinese)) is not term.latin, term.name
        assert len(re.findall(CJK, term.chinese_meaning)) >= 5, term.name
        assert "\n" not in term.chinese_meaning, term.name
        assert len(term.chinese_meaning) <= 60, term.name
        assert term.chinese_meaning.endswith("。"), term.name


@pytest.mark.parametrize("slip", [CROWDED, HALF_WIDTH, FULL_WIDTH, SPACED], ids=lambda s: s.pattern)
def test_chinese_texts_are_set_as_publishers_do(slip):
    texts = [text for term in TERMS for text in (term.chinese, term.chinese_meaning)]
    assert [text for text in texts if slip.search(text)] == []


def test_chinese_texts_have_simplified_characters():
    # A sample: forms that differ between traditional and simplified writing, among the commonest.
    traditional = set("們個來為說時會對學過這還進開後從動樣種數據訓練層網絡標準記錄換轉輸計權類圖")
    assert [t.name for t in TERMS if traditional & set(t.chinese + t.chinese_meaning)] == []


def test_no_two_terms_share_a_name():
    for names in (
        [term.chinese.casefold() for term in TERMS],
        [term.anchor for term in TERMS],
        [name.casefold() for term in TERMS for name in (term.name, *term.forms)],
    ):
        assert [each for each in set(names) if names.count(each) > 1] == []


def test_terms_that_are_easily_swapped_are_right():
    """A widely used list of terms has the Chinese for over- and underfitting exchanged."""
    chinese = {term.name: term.chinese for term in TERMS}
    for english, expected in {
        "overfitting": "过拟合",
        "accuracy": "准确率",  # precision would be 精确率
        "latency": "延迟",
        "throughput": "吞吐量",
        "normalising": "归一化",
        "standardising": "标准化",
        "validation set": "验证集",
        "false positive": "假正例",
        "standard error": "标准误",
    }.items():
        assert chinese[english] == expected


def test_they_are_in_alphabetical_order():
    names = [term.name.casefold() for term in TERMS]
    assert names == sorted(names)


def test_anchors_are_plain():
    for term in TERMS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", term.anchor), term.name


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("overfitting", "overfitting"),
        ("  OVERFITTING ", "overfitting"),
        ("prune", "pruning"),
        ("剪枝", "pruning"),
        ("内存", "RAM"),
        ("Adam 优化", "Adam"),
    ],
)
def test_a_term_is_found_by_either_language_and_by_other_forms(query, found):
    assert [term.name for term in look_up(query, TERMS)] == [found]


def test_a_part_of_a_term_finds_all_that_contain_it():
    names = [term.name for term in look_up("loop", TERMS)]
    assert names == ["closed loop", "open loop"]


@pytest.mark.parametrize("query", ["overfiting", "过拟台", "", " "])
def test_an_unknown_term_is_an_error_with_a_remedy(query):
    with pytest.raises(ValueError, match=r"Did you mean (overfitting|过拟合)|lists all") as error:
        look_up(query, TERMS)
    assert repr(query) in str(error.value)


def test_the_page_has_a_row_per_term_and_links_to_lessons():
    rows = [line for line in terms_as_markdown().splitlines() if line.startswith("| <span")]
    assert len(rows) == len(TERMS)
    for row, term in zip(rows, TERMS, strict=True):
        assert f"**{term.name}**" in row
        assert f"]({term.lesson.path.name})" in row


def test_its_html_keeps_the_anchors_and_the_language_of_each_text(tmp_path):
    write_terms_page(tmp_path)
    page = BeautifulSoup((tmp_path / "terms.html").read_text(), "html.parser").find("main")
    assert {term.anchor for term in TERMS} <= {each["id"] for each in page.find_all(id=True)}
    chinese = {each.text for each in page.find_all(lang="zh-Hans")}
    assert {term.chinese_meaning.replace("`", "") for term in TERMS} <= chinese


def test_it_is_written_beside_the_lessons_and_an_edited_copy_is_backed_up(tmp_path):
    workspace = Workspace(tmp_path)
    install_terms(workspace)
    page = tmp_path / TERMS_PAGE
    page.write_text("mine")
    install_terms(workspace)
    assert page.read_text() == terms_as_markdown()
    assert [each.read_text() for each in workspace.backups.iterdir()] == ["mine"]


def test_an_anchor_has_no_letters_that_a_link_would_escape():
    lesson = catalogue()[0]
    assert Term("N:M sparsity", "", lesson, "", "").anchor == "n-m-sparsity"
    assert Term("McNemar's test", "", lesson, "", "").anchor == "mcnemars-test"
