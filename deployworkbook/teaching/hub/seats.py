"""A learner's seat on this machine: a folder, and a user of the system that owns it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from deployworkbook.workspace.users import is_root

# The first user ID of learners without an account, above those that systems give to people.
FIRST_USER = 61_000
OWNER_ONLY = 0o700
ACCOUNT_PREFIX = "class-"


def make_folder(seats: Path, name: str) -> Path:
    """Make a learner's folder, which only its owner can open; return it.

    As root, a new folder gets a user ID of its own, which needs no account; the folder remembers
    it. Otherwise the folder belongs to this process's user.

    Args:
        seats: The folder of all seats.
        name: The learner.

    Raises:
        OSError: The folder can't be made, or belongs to root.
    """
    folder = seats / name
    if folder.is_symlink():
        raise OSError(f"{folder} is a link. Remove it, so that the learner gets a folder.")
    if folder.is_dir():
        if is_root() and folder.stat().st_uid == 0:
            raise OSError(
                f"{folder} belongs to root, as whom no learner may work. Give it to a user: "
                f"chown -R {next_user(seats)} {folder}"
            )
        folder.chmod(OWNER_ONLY)
        return folder
    seats.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=OWNER_ONLY)
    if is_root():
        user = next_user(seats)
        os.chown(folder, user, user)
    return folder


def next_user(seats: Path) -> int:
    """Return a user ID that owns none of the seats."""
    owners = [folder.stat().st_uid for folder in seats.iterdir() if folder.is_dir()]
    return max([FIRST_USER - 1, *(owner for owner in owners if owner >= FIRST_USER)]) + 1


def make_account(seats: Path, name: str) -> str:
    """Make an account for a learner if there is none, as systemd's spawner needs; return its name.

    Args:
        seats: The folder of all seats, in which the account's home is made.
        name: The learner.

    Raises:
        OSError: ``useradd`` is missing or fails.
    """
    account = f"{ACCOUNT_PREFIX}{name}"
    try:
        pwd.getpwnam(account)
    except KeyError:
        command = shutil.which("useradd")
        if command is None:
            raise OSError(
                f"There is no command useradd. Make an account {account} yourself, with the home "
                f"{seats / name}."
            ) from None
        seats.mkdir(parents=True, exist_ok=True)
        home = str(seats / name)
        made = subprocess.run(
            [command, "--create-home", "--home-dir", home, "--shell", "/bin/bash", account],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise OSError(f"useradd {account} failed: {made.stderr.strip()}") from None
    (seats / name).chmod(OWNER_ONLY)
    return account
