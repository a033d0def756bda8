"""A server of a model's signatures that speaks TensorFlow Serving's REST form.

    GET  /v1/models/NAME                                state of the model
    GET  /v1/models/NAME[/versions/N]/metadata          its signatures
    POST /v1/models/NAME[/versions/N]:predict           translations and the like
    GET  /healthz, /readyz, /metrics                    for those who run it

Everything that waits is bounded: the bytes of a request and of all together, the time
for a request, the number of requests, and the pictures that wait for the model.
"""

# No `from __future__ import annotations`: FastAPI reads the endpoints' annotations, and
# would not find what `make_app` imports.
import asyncio
import contextlib
import dataclasses
import io
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from PIL import Image

from keras_stargan.serving import rest_form
from keras_stargan.serving.batching import Batcher, TooManyWaiting
from keras_stargan.serving.metrics import Metrics
from keras_stargan.serving.samples import PICTURES
from keras_stargan.serving.signatures import Arrays, Signature, signature_def

# What a SavedModel decodes.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")
# Seconds for which an idle connection is kept: longer than most clients do, so that
# none is closed while a request is on its way.
_KEEP_ALIVE = 75


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server does at most.

    Args:
        max_batch: pictures that are translated at once.
        batch_wait: seconds for which a picture waits for others.
        max_waiting: pictures that wait for the model. Besides those whose pictures
            the model has, no more requests are open.
        max_request: bytes of a request.
        max_open: bytes of all requests that are open, together.
        max_pixels: width times height of a picture in a file.
        timeout: seconds for a request.
    """

    max_batch: int = 16
    batch_wait: float = 0.002
    max_waiting: int = 256
    max_request: int = 16 * 2**20
    max_open: int = 256 * 2**20
    max_pixels: int = 16 * 10**6
    timeout: float = 30.0


class Refusal(Exception):
    """Raised to answer a request with an error.

    Args:
        status: the code of the answer.
        message: what is wrong.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Service:
    """One model behind a server, without HTTP.

    Args:
        name: the model's name in URLs.
        signatures: what it offers.
        limits: what it does at most.
        version: the model's version in URLs.
    """

    def __init__(
        self,
        name: str,
        signatures: Mapping[str, Signature],
        limits: Limits,
        version: int = 1,
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures
        self.limits = limits
        self.stopping = False
        self.open_requests = 0
        self.open_bytes = 0
        self.metrics = Metrics(lambda: self.batcher.waiting)
        self.batcher = Batcher(
            lambda name, arrays: signatures[name].function(**arrays),
            limits.max_batch,
            limits.batch_wait,
            limits.max_waiting,
            self.metrics.rows.observe,
        )

    def check_address(self, name: str, version: int | None) -> None:
        """Raises `Refusal` unless a URL names this model."""
        if name != self.name:
            raise Refusal(
                HTTPStatus.NOT_FOUND,
                f"There is no model {name!r}; there is {self.name!r}.",
            )
        if version not in (None, self.version):
            raise Refusal(
                HTTPStatus.NOT_FOUND,
                f"There is no version {version} of {name!r}; there is {self.version}.",
            )

    @contextlib.contextmanager
    def open_request(self) -> Iterator[None]:
        """Counts a request while it is read, waits and is run.

        A request that is refused is not counted: otherwise many of them would keep out
        those for which there is room.

        Raises:
            Refusal: if the server stops.
            TooManyWaiting: if too many requests are open.
        """
        if self.stopping:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The server stops.")
        if self.open_requests >= self.limits.max_waiting + self.limits.max_batch:
            raise TooManyWaiting
        self.open_requests += 1
        try:
            yield
        finally:
            self.open_requests -= 1

    async def predict(self, content: bytes) -> bytes:
        """Answers a request.

        Args:
            content: its body.

        Returns:
            The body of the answer.

        Raises:
            Refusal: if it asks for too many pictures.
            TooManyWaiting: if there is no room for it now.
            ValueError: if it is wrong.
        """
        signature_name, form, arrays, faults = await asyncio.to_thread(
            self._read, content
        )
        signature = self.signatures[signature_name]
        outputs = await self.batcher.submit(signature_name, arrays, signature.joins)
        if signature.joins:
            self.metrics.pictures.inc(len(next(iter(arrays.values()))))
        return await asyncio.to_thread(_answer, form, outputs, faults)

    def _read(self, content: bytes) -> tuple[str, str, Arrays, dict[int, str]]:
        """The signature's name, the form, the inputs, and faults of their pictures."""
        request = rest_form.read_request(content)
        signature = self.signatures.get(request.signature_name)
        if signature is None:
            raise ValueError(
                f"There is no signature {request.signature_name!r}; there are "
                f"{', '.join(self.signatures)}."
            )
        arrays = rest_form.to_arrays(request, signature.inputs)
        rows = len(next(iter(arrays.values()))) if signature.joins else 1
        if rows > self.limits.max_waiting:
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request has {rows} rows; it may have {self.limits.max_waiting}.",
            )
        faults: dict[int, str] = {}
        for name in PICTURES:
            found = picture_faults(name, arrays.get(name, ()), self.limits.max_pixels)
            if found and "error" not in signature.outputs:
                raise ValueError(next(iter(found.values())))
            for number in found:
                # It is not decoded, and the model says that it is no picture.
                arrays[name][number] = b""
            faults |= found
        return request.signature_name, request.form, arrays, faults

    def state(self) -> dict[str, Any]:
        """The model's state, as TensorFlow Serving says it."""
        return {
            "model_version_status": [
                {
                    "version": str(self.version),
                    "state": "UNLOADING" if self.stopping else "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
            ]
        }

    def metadata(self) -> dict[str, Any]:
        """The model's signatures, as TensorFlow Serving says them."""
        return {
            "model_spec": {
                "name": self.name,
                "signature_name": "",
                "version": str(self.version),
            },
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        name: signature_def(name, one)
                        for name, one in self.signatures.items()
                    }
                }
            },
        }


def picture_faults(
    name: str, files: Iterable[bytes], max_pixels: int
) -> dict[int, str]:
    """What is wrong with files of pictures, as far as their headers tell.

    A small file can hold a huge picture, which would fill the memory when decoded.

    Args:
        name: the input that has the files.
        files: the files' contents.
        max_pixels: width times height at most.

    Returns:
        For each number of a file that must not be decoded, what is wrong with it.
    """
    faults = {}
    for number, content in enumerate(files):
        try:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                width, height = picture.size
        except Image.DecompressionBombError:
            faults[number] = f"{name} must have at most {max_pixels:,} pixels."
        except Exception:  # Pillow raises many kinds for broken files.
            faults[number] = (
                f"{name} cannot be read: it must be a file in {', '.join(_FORMATS)}."
            )
        else:
            if width * height > max_pixels:
                faults[number] = (
                    f"{name} must have at most {max_pixels:,} pixels; received "
                    f"{width} x {height}."
                )
    return faults


def _answer(form: str, outputs: Arrays, faults: Mapping[int, str]) -> bytes:
    if faults:
        # The batch's array is shared with other requests.
        outputs = outputs | {"error": outputs["error"].copy()}
    for number, fault in faults.items():
        outputs["error"][number] = fault.encode()
    return rest_form.to_json(form, outputs)


def make_app(service: Service) -> Any:
    """The server's application, a `fastapi.FastAPI`.

    Args:
        service: what it serves.

    Raises:
        ImportError: without FastAPI.
    """
    try:
        from fastapi import FastAPI, Request, Response
        from fastapi.exceptions import HTTPException, RequestValidationError
        from fastapi.responses import JSONResponse
        from starlette.requests import ClientDisconnect
    except ImportError as error:
        raise ImportError(
            "The server needs FastAPI: pip install 'keras-stargan[serve]'."
        ) from error
    metrics, limits = service.metrics, service.limits

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI):
        service.batcher.start()
        yield
        await service.batcher.stop()

    # No pages of documentation: they would load scripts from other hosts.
    app = FastAPI(lifespan=lifespan, openapi_url=None)

    def error_response(status: int, message: str, **headers: str) -> JSONResponse:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return JSONResponse({"error": message}, status, headers)

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

    @app.post("/v1/models/{name}:predict")
    @app.post("/v1/models/{name}/versions/{version}:predict")
    async def predict(
        request: Request, name: str, version: int | None = None
    ) -> Response:
        start = time.perf_counter()
        response = await answer(request, name, version)
        metrics.requests.labels(response.status_code).inc()
        if response.status_code == 200:
            metrics.seconds.observe(time.perf_counter() - start)
        return response

    async def answer(request: Request, name: str, version: int | None) -> Response:
        held = 0

        async def work() -> bytes:
            nonlocal held
            service.check_address(name, version)
            with service.open_request():
                if int(request.headers.get("Content-Length", 0)) > limits.max_request:
                    raise too_large
                content = bytearray()
                async for chunk in chunks:
                    held += len(chunk)
                    service.open_bytes += len(chunk)
                    if held > limits.max_request:
                        raise too_large
                    if service.open_bytes > limits.max_open:
                        raise TooManyWaiting
                    content += chunk
                return await service.predict(bytes(content))

        chunks = request.stream()
        too_large = Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request is larger than {limits.max_request:,} bytes.",
        )
        try:
            content = await asyncio.wait_for(work(), limits.timeout)
            return Response(content, media_type="application/json")
        except ValueError as error:
            response = error_response(400, str(error))
        except Refusal as error:
            response = error_response(error.status, str(error))
        except TooManyWaiting:
            metrics.rejected.inc()
            response = error_response(
                429, "Too many requests wait; try again later.", Retry_After="1"
            )
        except asyncio.TimeoutError:
            return error_response(
                504, f"There was no answer within {limits.timeout:g} seconds."
            )
        except ClientDisconnect:
            return error_response(400, "The client is gone.")
        except Exception as error:
            return error_response(500, f"{type(error).__name__}: {error}")
        finally:
            service.open_bytes -= held
        # What the client still sends is read and thrown away: otherwise it would see a
        # broken connection instead of the answer.
        with contextlib.suppress(asyncio.TimeoutError, ClientDisconnect):
            await asyncio.wait_for(throw_away(chunks), limits.timeout)
        return response

    async def throw_away(chunks: AsyncIterator[bytes]) -> None:
        async for _ in chunks:
            pass

    return app


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
