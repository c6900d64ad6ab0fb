"""A page's connection to a kernel: run cells, move sliders, count what goes wrong."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

PROTOCOL = "v1.kernel.websocket.jupyter.org"
SLIDERS = ("IntSliderModel", "FloatSliderModel", "FloatLogSliderModel", "SelectionSliderModel")
# Widgets that show pictures; an explorer's picture is in an HTML widget.
PICTURES = ("HTMLModel", "ImageModel")
# JupyterLab's largest message from a kernel has no limit; ours is a picture's many times over.
LARGEST_BYTES = 100 * 2**20
CLOSE_S = 2.0


@dataclass
class Awaited:
    """What came back for one message.

    Args:
        sent_at: When it was sent, by the monotonic clock.
        picture_s: Seconds to the first picture that changed; ``None`` if none did.
        status: The kernel's reply: ``ok``, ``error``, ``aborted``; empty if none came.
        error: The exception's name and value.
        text: What the cell wrote to standard error.
    """

    sent_at: float
    picture_s: float | None = None
    status: str = ""
    error: str = ""
    text: str = ""
    picture: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    replied: asyncio.Event = field(default_factory=asyncio.Event)


class KernelClient:
    """One page's connection to one kernel.

    Args:
        url: The server's address, such as ``http://127.0.0.1:8000/user/ada/``.
        token: The learner's token.
        kernel_id: The kernel.
    """

    def __init__(self, url: str, token: str, kernel_id: str) -> None:
        self._url, self._token, self.kernel_id = url, token, kernel_id
        self._session = uuid.uuid4().hex
        self._socket: WebSocketClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._awaited: dict[str, Awaited] = {}
        self._is_closing = False
        self.lost = 0
        self.restarts = 0
        # State of each widget by its comm.
        self.widgets: dict[str, dict[str, Any]] = {}

    async def connect(self) -> None:
        """Open the connection, as JupyterLab does."""
        address = self._url.replace("http", "ws", 1)
        request = HTTPRequest(
            f"{address}api/kernels/{self.kernel_id}/channels?session_id={self._session}",
            headers={"Authorization": f"token {self._token}"},
            connect_timeout=60,
            request_timeout=60,
        )
        self._socket = await websocket_connect(
            request, subprotocols=[PROTOCOL], max_message_size=LARGEST_BYTES
        )
        self._reader = asyncio.create_task(self._read(self._socket))

    async def close(self) -> None:
        """Close the connection."""
        self._is_closing = True
        if self._socket is not None:
            self._socket.close()
        if self._reader is not None:
            # The other side answers a close; one that doesn't is not waited for.
            await asyncio.wait([self._reader], timeout=CLOSE_S)
            self._reader.cancel()

    async def run(self, code: str, most_s: float) -> Awaited:
        """Run a cell and wait for its end.

        Args:
            code: The cell's text.
            most_s: When to give up, in seconds; the status is then empty.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        awaited = await self._send("execute_request", content)
        try:
            async with asyncio.timeout(most_s):
                await awaited.replied.wait()
                await awaited.idle.wait()
        except TimeoutError:
            awaited.status = ""
        return awaited

    async def move(self, comm: str, value: Any, most_s: float) -> Awaited:
        """Move a slider and wait for the picture, or for the kernel to have nothing to say.

        Args:
            comm: The slider's comm.
            value: Its new value, or the index of a selection.
            most_s: When to give up, in seconds.
        """
        state = self.widgets[comm]
        key = "index" if "index" in state else "value"
        state[key] = value
        data = {"method": "update", "state": {key: value}, "buffer_paths": []}
        awaited = await self._send("comm_msg", {"comm_id": comm, "data": data})
        waits = [asyncio.create_task(each.wait()) for each in (awaited.picture, awaited.idle)]
        await asyncio.wait(waits, timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
        # The picture of a change in a burst comes after the kernel was idle.
        if not awaited.picture.is_set() and awaited.idle.is_set():
            await asyncio.wait(waits[:1], timeout=0.1)
        for each in waits:
            each.cancel()
        return awaited

    def sliders(self) -> list[str]:
        """Return the comms of the sliders that can be moved."""
        return [
            comm
            for comm, state in self.widgets.items()
            if state.get("_model_name") in SLIDERS and not state.get("disabled")
        ]

    async def _send(self, kind: str, content: dict[str, Any]) -> Awaited:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "username": "",
            "session": self._session,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "version": "5.4",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        awaited = self._awaited[header["msg_id"]] = Awaited(time.monotonic())
        for attempt in range(2):
            try:
                if self._socket is None:
                    await self.connect()
                assert self._socket is not None  # noqa: S101 (connect has set it)
                await self._socket.write_message(
                    serialize_msg_to_ws_v1(message, "shell", _packed), binary=True
                )
                return awaited
            except WebSocketClosedError:
                self._socket = None
                if attempt:
                    raise
        return awaited

    async def _read(self, socket: WebSocketClientConnection) -> None:
        """Read until the connection ends; one that we haven't closed is lost."""
        while True:
            raw = await socket.read_message()
            if raw is None:
                break
            if isinstance(raw, bytes):
                _, parts = deserialize_msg_from_ws_v1(raw)
                header, parent, _, content = (json.loads(part) for part in parts[:4])
                self._take(header, parent, content, has_buffers=len(parts) > 4)
        if not self._is_closing:
            socket.close()
            self.lost += 1
            self._socket = None
            self._end_all("the connection was lost")

    def _end_all(self, why: str) -> None:
        for awaited in self._awaited.values():
            if not awaited.replied.is_set():
                awaited.status, awaited.error = "error", why
            for event in (awaited.replied, awaited.idle):
                event.set()

    def _take(
        self,
        header: dict[str, Any],
        parent: dict[str, Any],
        content: dict[str, Any],
        *,
        has_buffers: bool,
    ) -> None:
        kind = header["msg_type"]
        if kind == "status" and content["execution_state"] == "restarting":
            self.restarts += 1
            self._end_all("the kernel was restarted")
        if kind == "comm_open":
            self.widgets[content["comm_id"]] = dict(content["data"].get("state", {}))
        if kind == "comm_msg" and content["data"].get("method") == "update":
            self.widgets.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        awaited = self._awaited.get(parent.get("msg_id", ""))
        if awaited is None:
            return
        if kind == "comm_msg" and self._is_picture(content, has_buffers):
            if awaited.picture_s is None:
                awaited.picture_s = time.monotonic() - awaited.sent_at
            awaited.picture.set()
        elif kind == "stream" and content["name"] == "stderr":
            awaited.text += content["text"]
        elif kind == "error":
            awaited.error = f"{content['ename']}: {content['evalue']}"
        elif kind == "execute_reply":
            awaited.status = content["status"]
            awaited.replied.set()
        elif kind == "status" and content["execution_state"] == "idle":
            awaited.idle.set()

    def _is_picture(self, content: dict[str, Any], has_buffers: bool) -> bool:
        data = content["data"]
        state = self.widgets.get(content["comm_id"], {})
        return (
            data.get("method") == "update"
            and state.get("_model_name") in PICTURES
            and ("value" in data["state"] or has_buffers)
        )


def _packed(part: Any) -> bytes:
    return json.dumps(part).encode()
