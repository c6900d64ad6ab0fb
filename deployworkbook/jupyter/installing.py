"""Copy all that a learner's folder begins with, and say what was done."""

from __future__ import annotations

from deployworkbook.jupyter.lesson_list import write_lesson_list
from deployworkbook.jupyter.lessons import Installation, install
from deployworkbook.jupyter.terms import install_terms
from deployworkbook.workspace.folder import Workspace


def install_all(workspace: Workspace) -> Installation:
    """Copy the lessons, and write the pages of lessons and terms; edited lessons are left alone.

    Safe to repeat: what is up to date stays as it is.

    Args:
        workspace: The learner's workspace.

    Raises:
        OSError: The folder is not writable.
    """
    done = install(workspace)
    install_terms(workspace)
    write_lesson_list(workspace)
    return done


def in_words(workspace: Workspace, done: Installation) -> str:
    """Say where the lessons are, which were updated, and which have edits.

    Args:
        workspace: The learner's workspace.
        done: What was done there.
    """
    lines = [f"Your lessons are in {workspace.root}."]
    if done.updated:
        lines.append(f"Updated: {', '.join(done.updated)}.")
    return "\n".join([*lines, *(_about_edited(name, done) for name in done.kept)])


def _about_edited(name: str, done: Installation) -> str:
    number = name[:2]
    if name not in done.outdated:
        return (
            f"{name} has your edits and was left alone; deployworkbook reset {number} restores it."
        )
    beside = done.outdated[name]
    if beside is None:
        return (
            f"{name} has your edits and is older than the shipped version; deployworkbook reset "
            f"{number} --beside puts the new one beside yours."
        )
    return (
        f"{name} has your edits and is older than the shipped version; the new one is beside "
        f"yours: {beside.name}."
    )
