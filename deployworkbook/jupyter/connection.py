"""A connection between page and kernel without the delay of Nagle's algorithm.

TCP holds a small message back while the one before it is unacknowledged, and the other side
acknowledges only after up to 40 ms unless it has something to say. A kernel answers a moved slider
with several small messages in a row ("busy", the new value, "idle"), so the picture among them
would wait for longer than it takes to draw.

Enable it in JupyterLab with
``--ServerApp.kernel_websocket_connection_class=deployworkbook.jupyter.connection.PromptConnection``.

Source: J. Nagle, "Congestion control in IP/TCP internetworks", RFC 896, 1984; tornado's
``WebSocketHandler.set_nodelay``.
"""

from __future__ import annotations

import asyncio

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection, but messages are sent at once."""

    # Jupyter's own class also returns a future where its base declares a coroutine.
    def connect(self) -> asyncio.Future[None] | None:  # type: ignore[override]
        """Turn off Nagle's algorithm, then connect page and kernel."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
