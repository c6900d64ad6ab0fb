"""A plan's pages on disk: written atomically, and edits are never lost."""

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


def test_both_pages_contain_the_plan(plan, workspace, tmp_path):
    written = write_plan(plan, tmp_path / "new" / "folder", workspace=workspace)
    assert [page.path.name for page in written] == list(PAGES)
    assert [page.path.read_text() for page in written] == [
        plan_as_markdown(plan),
        plan_as_html(plan),
    ]
    assert [page.backup for page in written] == [None, None]


def test_writing_the_same_plan_again_needs_no_backup(plan, workspace, tmp_path):
    write_plan(plan, tmp_path, workspace=workspace)
    assert not any(page.backup for page in write_plan(plan, tmp_path, workspace=workspace))
    assert not workspace.backups.exists()


def test_only_an_edited_page_is_backed_up(plan, workspace, tmp_path):
    markdown, _ = write_plan(plan, tmp_path, workspace=workspace)
    # Not even text: whatever is there belongs to the learner.
    markdown.path.write_bytes(b"my own words \xff")
    again = write_plan(plan, tmp_path, workspace=workspace)
    assert again[0].backup.read_bytes() == b"my own words \xff"
    assert again[0].backup.parent == workspace.backups
    assert again[1].backup is None
    assert markdown.path.read_text() == plan_as_markdown(plan)


def test_another_plan_replaces_and_backs_up_both_pages(plan, workspace, tmp_path):
    first = [page.path.read_text() for page in write_plan(plan, tmp_path, workspace=workspace)]
    other = make_plan(advise(Workload(20_000.0), [PROFILE]))
    again = write_plan(other, tmp_path, workspace=workspace)
    assert [page.backup.read_text() for page in again] == first


def test_an_impossible_folder_changes_nothing(plan, workspace, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match="file"):
        write_plan(plan, tmp_path / "file", workspace=workspace)
    assert (tmp_path / "file").read_text() == "here"
