"""Whether an address is this machine's own."""

from __future__ import annotations

from deployworkbook.serving.api.addresses import is_loopback

__all__ = ["is_loopback"]
