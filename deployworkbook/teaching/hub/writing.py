"""Write the folder of a class's hub: its files, its accounts, and the passwords to hand out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
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
from deployworkbook.teaching.hub.settings import HubSettings
from deployworkbook.teaching.hub.texts import texts
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import full_path, write_atomically
from deployworkbook.workspace.folder import Workspace
from deployworkbook.workspace.recorded import RecordedFolder, WrittenFiles

SECRETS = "secrets"
ACCOUNTS = "accounts.json"
PASSWORDS = "passwords.csv"
CLASS_PASSWORD = "class-password.txt"  # noqa: S105 (a file's name)


@dataclass(frozen=True)
class WrittenHub:
    """What was written.

    Args:
        folder: The absolute path of the folder.
        files: The files, and the backups of edited ones.
        passwords: The file of new passwords, if learners got any.
        class_password: The file of the class's password, if one was made up.
    """

    folder: Path
    files: WrittenFiles
    passwords: Path | None
    class_password: Path | None


def write_hub(
    directory: Path,
    settings: HubSettings,
    catalog: Catalog,
    *,
    workspace: Workspace,
    class_password: str | None = None,
) -> WrittenHub:
    """Write everything; accounts that are there stay as they are.

    Args:
        directory: The folder; created if missing.
        settings: The class.
        catalog: Machines and prices, for the sums.
        workspace: The workspace whose backups to use.
        class_password: The class's password; by default the one that is there, or a new one.

    Raises:
        NotADirectoryError: The path is a file.
        OSError: The folder can't be written.
        ValueError: The password is too short.
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
    accounts, new, made_up = _accounts(secrets, settings, class_password)
    accounts.write(secrets / ACCOUNTS)
    if new:
        write_atomically(secrets / PASSWORDS, _as_csv(new, secrets / PASSWORDS), private=True)
    if made_up:
        write_atomically(secrets / CLASS_PASSWORD, made_up + "\n", private=True)
    is_in_a_file = (secrets / CLASS_PASSWORD).exists()
    for name, text in texts(folder, settings, catalog, has_class_file=is_in_a_file).items():
        writer.file(name, text)
    return WrittenHub(
        folder,
        writer.finish(),
        secrets / PASSWORDS if new else None,
        secrets / CLASS_PASSWORD if made_up else None,
    )


def _accounts(
    secrets: Path, settings: HubSettings, class_password: str | None
) -> tuple[Accounts, dict[str, str], str]:
    """Return the accounts, new learners' passwords, and the class's password if it was made up."""
    path = secrets / ACCOUNTS
    before = Accounts.read(path) if path.exists() else Accounts(settings.seats)
    learners = dict.fromkeys(settings.names, "") if settings.names else {}
    # Whoever has a password keeps it; whoever left the list is admitted no more.
    learners |= {
        name: stored
        for name, stored in before.learners.items()
        if not settings.names or name in learners
    }
    stored, made_up = "", ""
    if settings.asks_class_password:
        stored = before.class_password
        if class_password is not None and not matches(class_password, stored):
            stored = hash_of(class_password)
            (secrets / CLASS_PASSWORD).unlink(missing_ok=True)
        elif not stored:
            made_up = new_password()
            stored = hash_of(made_up)
    new: dict[str, str] = {}
    if not settings.asks_class_password:
        new = {name: new_password() for name, found in learners.items() if not found}
        learners |= {name: hash_of(password) for name, password in new.items()}
    return Accounts(settings.seats, stored, not settings.names, learners), new, made_up


def _as_csv(new: Mapping[str, str], path: Path) -> str:
    """Add new passwords to those that haven't been handed out."""
    rows: dict[str, str] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = {row["name"]: row["password"] for row in csv.DictReader(file)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "password"))
    writer.writerows({**rows, **new}.items())
    return text.getvalue()
