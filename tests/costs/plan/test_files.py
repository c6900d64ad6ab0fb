"""A plan's pages on disk: whole, the same again, and nothing that was edited is lost."""

import pytest

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.plan.files import PAGES, write_plan
from deployworkbook.costs.plan.making import make_plan
from deployworkbook.costs.plan.text import plan_as_html, plan_as_markdown
from deployworkbook.workspace.folder import Workspace

PROFILE = Profile("int8", "litert", 0.004, 0.1, 0.9773, 105_920, 92_879, 190e6)


@pytest.fixture
def plan():
    return make_plan(advise(Workload(10.0), [PROFILE]))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "home").create()


def test_both_pages_are_those_of_the_plan(plan, workspace, tmp_path):
    written = write_plan(plan, tmp_path / "new" / "folder", workspace=workspace)
    assert [page.path.name for page in written] == list(PAGES)
    assert [page.path.read_text() for page in written] == [
        plan_as_markdown(plan),
        plan_as_html(plan),
    ]
    assert [page.backup for page in written] == [None, None]


def test_the_same_again_needs_no_backup(plan, workspace, tmp_path):
    write_plan(plan, tmp_path, workspace=workspace)
    assert not any(page.backup for page in write_plan(plan, tmp_path, workspace=workspace))
    assert not workspace.backups.exists()


def test_what_was_edited_is_kept_and_the_other_page_is_not_copied(plan, workspace, tmp_path):
    markdown, _ = write_plan(plan, tmp_path, workspace=workspace)
    # Not even text: whatever stands there is the learner's.
    markdown.path.write_bytes(b"my own words \xff")
    again = write_plan(plan, tmp_path, workspace=workspace)
    assert again[0].backup.read_bytes() == b"my own words \xff"
    assert again[0].backup.parent == workspace.backups
    assert again[1].backup is None
    assert markdown.path.read_text() == plan_as_markdown(plan)


def test_another_plan_replaces_both_pages_and_keeps_both(plan, workspace, tmp_path):
    first = [page.path.read_text() for page in write_plan(plan, tmp_path, workspace=workspace)]
    other = make_plan(advise(Workload(20_000.0), [PROFILE]))
    again = write_plan(other, tmp_path, workspace=workspace)
    assert [page.backup.read_text() for page in again] == first


def test_a_folder_that_cannot_be_leaves_nothing(plan, workspace, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match="file"):
        write_plan(plan, tmp_path / "file", workspace=workspace)
    assert (tmp_path / "file").read_text() == "here"
