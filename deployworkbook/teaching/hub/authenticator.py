"""JupyterHub's door to the accounts of a class."""

import asyncio
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode

from deployworkbook.teaching.hub.accounts import Accounts

# Each wrong guess takes this long, besides the time of the hash.
REFUSED_S = 1.0


class ClassAuthenticator(Authenticator):  # type: ignore[misc]
    """Admit the learners and teachers of a file of accounts.

    The login page has a third field for the class's password, which the first login needs.
    """

    accounts_file = Unicode(help="The file of accounts.", config=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._one_at_a_time = asyncio.Lock()

    def is_admin(self, handler: Any, authentication: dict[str, Any]) -> bool:
        """Return whether somebody is a teacher; who was one before is none from the next login on.

        Args:
            handler: The request; unused.
            authentication: ``name``, who has logged in.
        """
        return authentication["name"] in self.admin_users

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the learner's name, or ``None`` if the login is refused.

        Args:
            handler: The request; unused.
            data: ``username``, ``password``, and ``otp``, which holds the class's password.
        """
        name: str = self.normalize_username(data["username"])
        path = Path(self.accounts_file)
        async with self._one_at_a_time:  # so that two learners can't claim one name
            accounts = Accounts.read(path)
            before = dict(accounts.learners)
            admitted = await asyncio.to_thread(
                accounts.admits, name, data["password"], data.get("otp", "").strip()
            )
            if accounts.learners != before:
                accounts.write(path)
        if admitted:
            return name
        await asyncio.sleep(REFUSED_S)
        return None
