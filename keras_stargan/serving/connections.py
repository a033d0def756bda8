"""Connections that do not wait forever for a request's header."""

import asyncio
from typing import Any

# Bytes of a request's header at most.
_MAX_HEADER = 2**16


def protocol_class(timeout: float) -> type:
    """A protocol for `uvicorn.Config(http=...)` with bounds for headers.

    uvicorn waits without end for the header of a request. A client that sends one byte
    now and then would keep its connection, and many would use up all that the process
    may have. (The time for the body is a part of the time for a request.)

    Args:
        timeout: seconds from a connection, or from a header's first byte, to its end.
            Then the connection is closed.

    Raises:
        ImportError: without uvicorn.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _late: asyncio.TimerHandle | None = None
        _received = 0

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._late = self.loop.call_later(timeout, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._expects_header():
                self._in_time()
                return
            self._received += len(data)
            if self._received > _MAX_HEADER:
                self.transport.close()
            elif self._late is None:
                self._late = self.loop.call_later(timeout, self.transport.close)

        def connection_lost(self, error: Exception | None) -> None:
            self._in_time()
            super().connection_lost(error)

        def _expects_header(self) -> bool:
            cycle: Any = self.cycle  # The last request whose header is complete.
            return cycle is None or cycle.response_complete

        def _in_time(self) -> None:
            self._received = 0
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Protocol
