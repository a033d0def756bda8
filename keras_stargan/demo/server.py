"""Serves a folder to the browser on this machine."""

import functools
import http.server
import os
import sys

HOST = "127.0.0.1"
# Besides what the page says itself: workers do not heed a page's own tag.
_POLICY = "default-src 'self' data: blob:; script-src 'self' 'wasm-unsafe-eval'"


class _Handler(http.server.SimpleHTTPRequestHandler):
    # Some systems have other types for these, and a browser then refuses them.
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".onnx": "application/octet-stream",
        ".png": "image/png",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        # A page that is written again must not meet parts of the earlier one.
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_) -> None:
        """Prints nothing."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address) -> None:
        """Reports errors, except for a browser that has closed the connection."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def make_server(
    folder: str | os.PathLike, port: int = 0
) -> http.server.ThreadingHTTPServer:
    """Makes a server for a folder, which only browsers on this machine can reach.

    Args:
        folder: as `write_demo` writes it.
        port: the port on 127.0.0.1 to listen on; 0 takes a free one.

    Returns:
        A listening server; its `server_address` is host and port. Call its
        `serve_forever()` to answer requests.

    Raises:
        OSError: if the port is taken or not allowed.
    """
    handler = functools.partial(_Handler, directory=os.fspath(folder))
    try:
        return _Server((HOST, port), handler)
    except OSError as error:
        raise OSError(
            f"Port {port} cannot be used ({error.strerror}). Give another; 0 takes "
            "a free one."
        ) from None
