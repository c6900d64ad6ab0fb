"""A learner's browser as far as the hub goes: log in, start the server, stop it again."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

_HIDDEN = re.compile(r'name="_xsrf"\s+value="([^"]*)"')
# A request that takes longer than this has no answer.
ANSWER_S = 60.0
# What a hub answers that is starting as many servers as it wants to; people try again.
TOO_MANY = 429
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class HubClient:
    """One learner's session with a hub.

    Args:
        hub: The hub's address, such as ``http://127.0.0.1:8000``.
        name: The learner's name.
    """

    def __init__(self, hub: str, name: str) -> None:
        self.hub = hub.rstrip("/") + "/"
        self.name = name
        self.token = ""
        self.server = urljoin(self.hub, f"user/{name}/")
        self._session = requests.Session()
        # Loopback is never reached through a proxy.
        self._session.trust_env = urlsplit(hub).hostname not in LOOPBACK
        self._token_id = ""

    def log_in(self, password: str, class_password: str = "") -> None:
        """Log in through the form, as a browser does, and get a token for what follows.

        Args:
            password: The learner's password.
            class_password: The class's password, if the hub asks for it.

        Raises:
            OSError: The hub doesn't answer, or refuses the login.
        """
        page = self._ask("GET", "hub/login")
        hidden = _HIDDEN.search(page.text)
        token = hidden[1] if hidden else self._session.cookies.get("_xsrf", "")
        form = {
            "username": self.name,
            "password": password,
            "otp": class_password,
            "_xsrf": token,
        }
        answer = self._ask("POST", "hub/login", data=form, allow_redirects=False)
        if answer.status_code != 302:
            raise PermissionError(
                f"{self.hub} refused the login of {self.name} (HTTP {answer.status_code}). "
                "Check the file of passwords, and that the hub has a seat for that name."
            )
        crossed = {"X-XSRFToken": self._session.cookies.get("_xsrf", "", path="/hub/") or token}
        made = self._api(
            "POST",
            f"users/{self.name}/tokens",
            json={"note": "deployworkbook teach load", "expires_in": 24 * 3600},
            headers=crossed,
        )
        self.token, self._token_id = made["token"], made["id"]
        self._session.headers["Authorization"] = f"token {self.token}"

    def start_server(self, most_s: float) -> float:
        """Start the learner's server; return the seconds until it was ready.

        Args:
            most_s: When to give up, in seconds.

        Raises:
            OSError: It didn't start.
        """
        begun = time.monotonic()
        asked = self._ask("POST", f"hub/api/users/{self.name}/server")
        while asked.status_code == TOO_MANY and time.monotonic() - begun < most_s:
            time.sleep(float(asked.headers.get("Retry-After", 5)))
            asked = self._ask("POST", f"hub/api/users/{self.name}/server")
        _checked(asked)
        while time.monotonic() - begun < most_s:
            servers = self._api("GET", f"users/{self.name}")["servers"]
            if servers.get("", {}).get("ready"):
                return time.monotonic() - begun
            if not servers:
                raise OSError(f"The server of {self.name} failed to start. The hub's log says why.")
            time.sleep(0.25)
        raise TimeoutError(f"The server of {self.name} wasn't ready after {most_s:.0f} s.")

    def stop_server(self) -> None:
        """Stop the server and give the token back, as well as possible."""
        mine = f"users/{self.name}"
        for path in (f"{mine}/server", f"{mine}/tokens/{self._token_id}") if self.token else ():
            with suppress(OSError):
                self._api("DELETE", path)
        self._session.close()

    def notebook(self, path: str) -> dict[str, Any]:
        """Return a notebook of the learner's folder."""
        found = self._ask("GET", f"user/{self.name}/api/contents/{path}?content=1")
        notebook: dict[str, Any] = _checked(found).json()["content"]
        return notebook

    def open_notebook(self, path: str) -> tuple[str, str]:
        """Start a kernel for a notebook; return the IDs of its session and of the kernel."""
        made = self._ask(
            "POST",
            f"user/{self.name}/api/sessions",
            json={"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}},
        )
        session = _checked(made).json()
        return session["id"], session["kernel"]["id"]

    def restart_kernel(self, kernel_id: str) -> None:
        """Restart a kernel, as the menu of a notebook does."""
        _checked(self._ask("POST", f"user/{self.name}/api/kernels/{kernel_id}/restart"))

    def _api(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        answer = _checked(self._ask(method, f"hub/api/{path}", **given))
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _ask(self, method: str, path: str, **given: Any) -> requests.Response:
        try:
            return self._session.request(method, urljoin(self.hub, path), timeout=ANSWER_S, **given)
        except requests.RequestException as error:
            raise ConnectionError(
                f"No answer from {self.hub}{path}: {type(error).__name__}. Is the hub running?"
            ) from error


def _checked(answer: requests.Response) -> requests.Response:
    if not answer.ok:
        raise OSError(f"{answer.url} answered HTTP {answer.status_code}: {answer.text[:200]}")
    return answer
