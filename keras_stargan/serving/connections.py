"""Connections that do not wait forever, and of which there are not too many."""

import asyncio
import contextlib
from typing import Any

# Bytes of a request's header at most.
_MAX_HEADER = 2**16
# Open connections at most, and files that the process needs besides.
_MAX_CONNECTIONS = 4096
_OTHER_FILES = 128


def most_connections() -> int:
    """How many connections a server may hold: fewer than files that it may open."""
    try:
        import resource
    except ImportError:  # On Windows, there is no such limit.
        return _MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + _OTHER_FILES
    if 0 <= soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            soft = wanted if hard < 0 else min(hard, wanted)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_CONNECTIONS if soft < 0 else min(_MAX_CONNECTIONS, soft - _OTHER_FILES)
    return max(most, 16)


def protocol_class(timeout: float, most: int) -> type:
    """A protocol for `uvicorn.Config(http=...)` with bounds for connections.

    uvicorn waits without end for the header of a request. A client that sends one byte
    now and then would keep its connection, and many would use up all that the process
    may have. (The time for the body is a part of the time for a request.)

    Nor does it bound how many there are, or how long an answer waits to be read.

    Args:
        timeout: seconds from a connection, or from a header's first byte, to its end;
            and from an answer until the client has read it. Then the connection is
            closed.
        most: connections that are open at the same time. A further one closes the one
            that has been without a request for longest, or else is closed itself.

    Raises:
        ImportError: without uvicorn.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    idle: dict[Any, None] = {}  # Without a request, the oldest first.
    connections: set[Any] = set()

    class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _late: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None
        _received = 0

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            connections.add(self)
            idle[self] = None
            if len(connections) > most:
                oldest = next(iter(idle))
                # No longer counted now, since closing takes a while.
                oldest._leave()
                oldest.transport.abort()
            self._close_later()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._expects_header():
                idle.pop(self, None)
                self._in_time()
                return
            self._received += len(data)
            if self._received > _MAX_HEADER:
                self.transport.close()
            elif self._late is None:
                self._close_later()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self in connections and self._expects_header():
                idle[self] = None
            if self._unread is not None:
                self._unread.cancel()
            self._unread = None
            if self.transport.get_write_buffer_size():
                self._unread = self.loop.call_later(timeout, self._abort_unread)

        def connection_lost(self, error: Exception | None) -> None:
            self._leave()
            super().connection_lost(error)

        def _leave(self) -> None:
            self._in_time()
            if self._unread is not None:
                self._unread.cancel()
            connections.discard(self)
            idle.pop(self, None)

        def _close_later(self) -> None:
            self._late = self.loop.call_later(timeout, self.transport.abort)

        def _abort_unread(self) -> None:
            # To close it would wait until all is read.
            if self.transport.get_write_buffer_size():
                self.transport.abort()

        def _expects_header(self) -> bool:
            cycle: Any = self.cycle  # The last request whose header is complete.
            return cycle is None or cycle.response_complete

        def _in_time(self) -> None:
            self._received = 0
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Protocol
