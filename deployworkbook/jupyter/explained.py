"""A connection that can tell a learner why a kernel was stopped.

A kernel that is killed can't say anything itself, and JupyterLab only says that it "appears to have
died". This connection writes a reason below the cell that was running. If none was, it waits for
the next cell that is run.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from deployworkbook.jupyter.connection import PromptConnection


class ExplainedConnection(PromptConnection):
    """A prompt connection that knows which cell is running."""

    # Reasons that no page has shown yet, by the kernel's ID.
    waiting: ClassVar[defaultdict[str, list[str]]] = defaultdict(list)

    _running: dict[str, Any] | None = None

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Notice a cell's start and end, then pass the message on."""
        super().handle_outgoing_message(stream, outgoing_msg)
        if getattr(stream, "channel", stream) != "iopub":
            return
        _, parts = self.session.feed_identities(outgoing_msg)
        header, parent, content = (_as_bytes(parts[place]) for place in (1, 2, 4))
        if b'"execute_input"' in header:
            self._running = self.session.unpack(parent)
            for reason in self.waiting.pop(self.kernel_id, ()):
                self.write_stderr(reason, self._running)  # type: ignore[no-untyped-call]
        elif b'"status"' in header and b'"idle"' in content:
            ended = self.session.unpack(parent).get("msg_id")
            if self._running and self._running["msg_id"] == ended:
                self._running = None

    @classmethod
    def explain(cls, kernel_id: str, reason: str) -> None:
        """Show a reason on all pages of a kernel; keep it for the next cell if no cell is running.

        Args:
            kernel_id: The kernel that is about to be stopped.
            reason: Whole sentences for the learner.
        """
        pages = [
            page
            for page in cls._open_sockets
            if isinstance(page, cls) and page.kernel_id == kernel_id and page._running
        ]
        for page in pages:
            page.write_stderr(reason, page._running)  # type: ignore[no-untyped-call]
            page._running = None
        if not pages:
            cls.waiting[kernel_id].append(reason)


def _as_bytes(part: Any) -> bytes:
    """Return a part of a message, which is a frame of the socket if it wasn't copied."""
    return bytes(getattr(part, "bytes", part))
