"""Write the folder of a class's hub: its files, its accounts, and the passwords to hand out."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.teaching.hub.accounts import (
    SHORTEST_PASSWORD,
    Accounts,
    hash_of,
    matches,
    new_password,
)
from deployworkbook.teaching.hub.obstacles import blockers
from deployworkbook.teaching.hub.settings import HubSettings
from deployworkbook.teaching.hub.texts import texts
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import full_path, moved_to_free_name, write_atomically
from deployworkbook.workspace.folder import Workspace
from deployworkbook.workspace.recorded import RecordedFolder, WrittenFiles

SECRETS = "secrets"
ACCOUNTS = "accounts.json"
PASSWORDS = "passwords.csv"
# Apart from the learners', which are cut into slips and handed out.
TEACHERS = "teachers.csv"
CLASS_PASSWORD = "class-password.txt"  # noqa: S105 (a file's name)


@dataclass(frozen=True)
class WrittenHub:
    """What was written.

    Args:
        folder: The absolute path of the folder.
        files: The files, and the backups of edited ones.
        passwords: The file of new passwords, if learners got any.
        class_password: The file of the class's password, if one was made up.
        teachers: The file of teachers' new passwords, if any got one.
        removed: The names that had an account and have none any more.
        old_passwords: Earlier files of passwords, which list removed accounts.
        blockers: Why the hub can't work on this machine.
    """

    folder: Path
    files: WrittenFiles
    passwords: Path | None
    class_password: Path | None
    teachers: Path | None
    removed: tuple[str, ...]
    old_passwords: tuple[Path, ...]
    blockers: tuple[str, ...]


def write_hub(
    directory: Path,
    settings: HubSettings,
    catalog: Catalog,
    *,
    workspace: Workspace,
    again: str,
    class_password: str | None = None,
) -> WrittenHub:
    """Write everything; accounts that are there stay as they are.

    Args:
        directory: The folder; created if missing.
        settings: The class.
        catalog: Machines and prices, for the sums.
        workspace: The workspace whose backups to use.
        again: The command that writes this, for the README.
        class_password: The class's password; by default the one that is there, or a new one.

    Raises:
        NotADirectoryError: The path is a file.
        OSError: The folder can't be written.
        ValueError: The password is too short, or a learner has a teacher's name.
    """
    if class_password is not None and len(class_password) < SHORTEST_PASSWORD:
        raise value_error(
            "--class-password",
            received=f"{len(class_password)} characters",
            expected=f"at least {SHORTEST_PASSWORD}",
            remedy="Leave it out to get one that can't be guessed.",
        )
    folder = full_path(Path(directory))
    writer = RecordedFolder(folder, workspace)
    secrets = folder / SECRETS
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = secrets / ACCOUNTS
    before = Accounts.read(path) if path.exists() else Accounts(settings.seats)
    accounts, made_up = _accounts(before, secrets, settings, class_password)
    new = {} if settings.asks_class_password else _give_passwords(accounts.learners)
    new_teachers = _give_passwords(accounts.teachers)
    accounts.write(path)
    old = (
        _list_passwords(secrets / PASSWORDS, new, accounts.learners),
        _list_passwords(secrets / TEACHERS, new_teachers, accounts.teachers),
    )
    if made_up:
        write_atomically(secrets / CLASS_PASSWORD, made_up + "\n", private=True)
    found = tuple(blockers(folder, settings.spawner))
    for name, text in texts(
        folder,
        settings,
        catalog,
        has_class_file=(secrets / CLASS_PASSWORD).exists(),
        blockers=found,
        again=again,
    ).items():
        writer.file(name, text)
    had, have = before.learners | before.teachers, accounts.learners | accounts.teachers
    return WrittenHub(
        folder,
        writer.finish(),
        secrets / PASSWORDS if new else None,
        secrets / CLASS_PASSWORD if made_up else None,
        secrets / TEACHERS if new_teachers else None,
        tuple(name for name in had if name not in have),
        tuple(each for each in old if each),
        found,
    )


def _accounts(
    before: Accounts, secrets: Path, settings: HubSettings, class_password: str | None
) -> tuple[Accounts, str]:
    """Return the accounts, and the class's password if it was made up.

    Whoever has a password keeps it; whoever left the list is admitted no more.
    """
    if settings.names:
        learners = {name: before.learners.get(name, "") for name in settings.names}
    else:
        learners = dict(before.learners)
    for name in settings.teachers:
        if name in learners:
            raise value_error(
                "--teacher",
                received=f"{name}, which a learner has claimed",
                expected="a name that no learner has",
                remedy=f"Write it as {name}-teacher, for example.",
            )
    stored, made_up = "", ""
    if settings.asks_class_password:
        stored = before.class_password
        if class_password is not None and not matches(class_password, stored):
            stored = hash_of(class_password)
            (secrets / CLASS_PASSWORD).unlink(missing_ok=True)
        elif not stored:
            made_up = new_password()
            stored = hash_of(made_up)
    teachers = {name: before.teachers.get(name, "") for name in settings.teachers}
    return Accounts(settings.seats, stored, not settings.names, learners, teachers), made_up


def _give_passwords(hashes: dict[str, str]) -> dict[str, str]:
    """Make up passwords for those who have none, and fill in their hashes; return the passwords."""
    new = {name: new_password() for name, found in hashes.items() if not found}
    hashes |= {name: hash_of(password) for name, password in new.items()}
    return new


def _list_passwords(path: Path, new: Mapping[str, str], names: Collection[str]) -> Path | None:
    """Add new passwords to those that haven't been handed out, and take out removed accounts.

    A file that lists removed accounts is kept beside the new one, where nobody else can read it;
    return its new path.
    """
    rows: dict[str, str] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = {
                row.get("name") or "": row.get("password") or "" for row in csv.DictReader(file)
            }
    kept = {name: password for name, password in rows.items() if name in names}
    old = moved_to_free_name(path, path.parent, "old") if kept != rows else None
    wanted = {**kept, **new}
    if wanted and wanted != rows:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("name", "password"))
        writer.writerows(wanted.items())
        write_atomically(path, text.getvalue(), private=True)
    return old
