"""Who may log in to a class: names and hashes of passwords in a file that only its owner reads.

A learner of a list has a password of their own from the start, or chooses one at the first login,
which also asks for the class's password. So nobody who knows the class's password can open the
folder of another learner. Without a list, the first logins claim names, as many as there are seats.
Teachers have passwords of their own, and take no seats.

This module imports nothing but the standard library, and works as a part of a configuration: so
no annotation is postponed, which a dataclass looks up in its module.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

# A name becomes a folder, a part of an address and a user of the system.
NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
SHORTEST_PASSWORD = 8
# Learners of a rehearsal: admitted with the class's password alone, and without taking a seat.
REHEARSING = re.compile(r"load-([1-9][0-9]{0,3})")

# scrypt with 16 MiB and about 50 ms: each guess costs as much.
_COST = {"n": 2**14, "r": 8, "p": 1}
# Letters and digits that nobody confuses on a slip of paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def hash_of(password: str) -> str:
    """Return a salted hash of a password.

    >>> hash_of("correct horse") == hash_of("correct horse")
    False
    """
    salt = secrets.token_bytes(16)
    return f"scrypt${_encoded(salt)}${_encoded(_derived(password, salt))}"


def matches(password: str, stored: str) -> bool:
    """Return whether a password has this hash; a malformed hash matches nothing.

    >>> stored = hash_of("correct horse")
    >>> matches("correct horse", stored), matches("battery", stored), matches("", "")
    (True, False, False)
    """
    kind, _, rest = stored.partition("$")
    salt, _, wanted = rest.partition("$")
    if kind != "scrypt" or not wanted:
        return False
    try:
        found = _derived(password, base64.b64decode(salt, validate=True))
    except ValueError:
        return False
    return hmac.compare_digest(_encoded(found), wanted)


def new_password() -> str:
    """Return a password of three groups, such as ``kq7m-x2vd-9hpr``: 59 bits.

    >>> len(new_password())
    14
    """
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
    return "-".join(groups)


@dataclass
class Accounts:
    """The accounts of a class.

    Args:
        seats: How many learners there may be at most.
        class_password: Hash of the class's password; empty if each learner has one already.
        is_open: Whether a login may claim a name that isn't listed.
        learners: The hash of each learner's password by name; empty until the learner chooses one.
        teachers: The hash of each teacher's password by name.
    """

    seats: int
    class_password: str = ""
    is_open: bool = False
    learners: dict[str, str] = field(default_factory=dict)
    teachers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Accounts":
        """Read the accounts.

        Raises:
            OSError: The file can't be read.
            ValueError: It isn't a file of accounts.
        """
        try:
            found = json.loads(path.read_text("utf-8"))
            accounts = cls(
                int(found["seats"]),
                str(found["class_password"]),
                bool(found["is_open"]),
                {str(name): str(value) for name, value in found["learners"].items()},
                # Files of earlier versions have no teachers.
                {str(name): str(value) for name, value in found.get("teachers", {}).items()},
            )
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{path} is not a file of accounts. Run deployworkbook teach hub again; "
                "learners then choose or get new passwords, and their folders stay."
            ) from error
        return accounts

    def write(self, path: Path) -> None:
        """Write the accounts in one step, readable by their owner only."""
        text = json.dumps(
            {
                "seats": self.seats,
                "class_password": self.class_password,
                "is_open": self.is_open,
                "learners": self.learners,
                "teachers": self.teachers,
            },
            indent=1,
        )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp's files are readable by their owner only.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".accounts-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)

    def admits(self, name: str, password: str, class_password: str = "") -> bool:
        """Check a login; a first one sets the learner's password.

        Args:
            name: The learner's or teacher's name, in lower case.
            password: Their own password.
            class_password: The class's, which a first login needs.

        >>> accounts = Accounts(1, hash_of("our class"), is_open=True)
        >>> accounts.admits("ada", "a password of mine", "our class")
        True
        >>> accounts.admits("ada", "another password", "our class")
        False
        >>> accounts.admits("grace", "a password of mine", "our class")  # the only seat is taken
        False
        """
        rehearsing = REHEARSING.fullmatch(name)
        if rehearsing:
            return int(rehearsing[1]) <= self.seats and matches(class_password, self.class_password)
        if not NAME.fullmatch(name):
            return False
        if name in self.teachers:
            return matches(password, self.teachers[name])
        stored = self.learners.get(name)
        if stored:
            return matches(password, stored)
        is_new = stored is None
        if is_new and (not self.is_open or len(self.learners) >= self.seats):
            return False
        if len(password) < SHORTEST_PASSWORD or not matches(class_password, self.class_password):
            return False
        self.learners[name] = hash_of(password)
        return True


def _derived(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
