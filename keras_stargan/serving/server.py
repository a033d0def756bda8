"""A server of a model's signatures that speaks TensorFlow Serving's REST form.

GET  /v1/models/NAME                                state of the model
GET  /v1/models/NAME[/versions/N]/metadata          its signatures
POST /v1/models/NAME[/versions/N]:predict           translations and the like
GET  /healthz, /readyz, /metrics                    for those who run it
"""

# No `from __future__ import annotations`: FastAPI reads the endpoints' annotations, and
# would not find what `make_app` imports.
import contextlib
import socket
from collections.abc import Callable
from typing import Any

from keras_stargan.serving.connections import most_connections, protocol_class
from keras_stargan.serving.predictions import Predictions, shortened
from keras_stargan.serving.service import Refusal, Service

# Seconds for which an idle connection is kept: longer than most clients do, so that
# none is closed while a request is on its way.
_KEEP_ALIVE = 75


def make_app(service: Service) -> Any:
    """The server's ASGI application: FastAPI, and `Predictions` before it.

    Args:
        service: what it serves.

    Raises:
        ImportError: without FastAPI.
    """
    try:
        from fastapi import FastAPI, Request, Response
        from fastapi.exceptions import HTTPException, RequestValidationError
        from fastapi.responses import JSONResponse
    except ImportError as error:
        raise ImportError(
            "The server needs FastAPI: pip install 'keras-stargan[serve]'."
        ) from error
    metrics = service.metrics

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI):
        service.batcher.start()
        yield
        await service.batcher.stop()

    # No pages of documentation: they would load scripts from other hosts.
    app = FastAPI(lifespan=lifespan, openapi_url=None)

    def error_response(status: int, message: str) -> JSONResponse:
        return JSONResponse({"error": shortened(message)}, status)

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        return error_response(error.status, str(error))

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def no_such_page(request: Request, error: HTTPException) -> Response:
        return error_response(
            error.status_code, f"Not served: {request.method} {request.url.path}."
        )

    @app.exception_handler(RequestValidationError)
    async def wrong_address(request: Request, error: Exception) -> Response:
        return error_response(400, f"Wrong address: {request.url.path}.")

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    async def readyz() -> Response:
        if service.stopping:
            return error_response(503, "The server stops.")
        return Response("ok\n", media_type="text/plain")

    @app.get("/metrics")
    async def metrics_text() -> Response:
        return Response(metrics.text(), media_type=metrics.content_type)

    @app.get("/v1/models/{name}")
    @app.get("/v1/models/{name}/versions/{version}")
    async def state(name: str, version: int | None = None) -> Response:
        service.check_address(name, version)
        return JSONResponse(service.state())

    @app.get("/v1/models/{name}/metadata")
    @app.get("/v1/models/{name}/versions/{version}/metadata")
    async def metadata(name: str, version: int | None = None) -> Response:
        service.check_address(name, version)
        return JSONResponse(service.metadata())

    return Predictions(service, app)


def make_server(service: Service, started: Callable[[], None] = lambda: None) -> Any:
    """A `uvicorn.Server` that ends when its open requests are answered.

    Its `run(sockets=[...])` returns after SIGTERM or SIGINT (Ctrl-C): from then on, new
    requests get 503. A second signal ends it at once.

    Args:
        service: what it serves.
        started: called when it answers requests.

    Raises:
        ImportError: without FastAPI or uvicorn.
    """
    app = make_app(service)
    try:
        import uvicorn
    except ImportError as error:
        raise ImportError(
            "The server needs uvicorn: pip install 'keras-stargan[serve]'."
        ) from error

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

        def handle_exit(self, sig: int, frame: Any) -> None:
            # uvicorn would close its socket first, so that clients that do not know
            # yet are refused instead of told.
            self.should_exit = self.force_exit = service.stopping
            service.stopping = True

        async def on_tick(self, counter: int) -> bool:
            done = service.stopping and not service.open_requests
            return await super().on_tick(counter) or done

    config = uvicorn.Config(
        app,
        http=protocol_class(service.limits.timeout, most_connections()),
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(service.limits.timeout),
    )
    return Server(config)


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address; it refuses connections until the server runs.

    Args:
        host: a name or an address of this machine.
        port: 0 takes a free one.

    Raises:
        OSError: if the address is taken or not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    )[0]
    # asyncio sends small packets at once only if a socket says that it speaks TCP;
    # otherwise each answer is 40 ms late.
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)
    return bound
